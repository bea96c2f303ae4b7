"""Calls the deployed API again and again until a file exists, then says how many requests there were and which were refused.

    requests.py HTTP_URL EMAIL PASSWORD STOP_FILE

Every request has the token of the first login; every tenth time there is a further login, whose token is used at once
and whose session ends, and one more at the end. Status 1: a
request was refused, or there were none.
"""
import base64
import json
import os
import sys
import time
import urllib.error
import urllib.request

http_url, email, password, stop = sys.argv[1:]


def call(method, path, token=None, body=None):
    request = urllib.request.Request(http_url + path, method=method, data=None if body is None else json.dumps(body).encode())
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    if body is not None:
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            text = response.read()
            return response.status, json.loads(text) if text else {}
    except urllib.error.HTTPError as error:
        return error.code, error.read(300)
    except OSError as error:
        return 0, str(error)


def key_id(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]


requests, refused, keys = 0, [], {}


def counted(method, path, token=None, body=None):
    global requests
    requests += 1
    status, answer = call(method, path, token, body)
    if status not in (200, 204):
        refused.append(f"{time.strftime('%H:%M:%S')} {method} {path}: {status} {answer}")
    return answer if status in (200, 204) else None


def login():
    answer = counted("POST", "/auth/login", body={"email": email, "password": password})
    if answer is None:
        return None
    keys[key_id(answer["accessToken"])] = keys.get(key_id(answer["accessToken"]), 0) + 1
    return answer["accessToken"]


first = login()
turn = 0
while not os.path.exists(stop):
    for path in ("/auth/me", "/projects/list", "/messages/conversations"):
        counted("GET", path, first)
    if turn % 10 == 0:
        token = login()
        counted("GET", "/messages/conversations", token)
        # A person has twenty sessions at most.
        counted("POST", "/auth/logout", token, {})
    turn += 1
last = login()
counted("GET", "/projects/list", last)
counted("POST", "/auth/logout", last, {})
counted("POST", "/auth/logout", first, {})

print(f"{requests} requests, {len(refused)} refused; tokens by key: {keys}")
for line in refused[:5] + refused[-5:]:
    print("  " + line)
sys.exit(0 if turn > 0 and not refused else 1)
