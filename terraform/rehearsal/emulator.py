"""Starts the emulator with six corrections.

- No delayed writes, which cost forty milliseconds a request.
- `aws:PrincipalArn` is what AWS documents: the ARN of a role, where the emulator has that of its session.
- `dynamodb:LeadingKeys` is there, so the roles' conditions on it are enforced. A request over several tables has none: only AWS itself can
  tell whether it compares each table's keys alone (terraform/verify-aws.sh, check 2).
- `ses:SendEmail` is allowed by the sender's domain, the configuration set and `ses:FromAddress`, where the emulator knows neither resource
  nor key, and would deny every mail.
- Every request counts as one over TLS: functions and the suite call on the loopback address without, and the bucket's policy would deny that.
- An identity's DKIM attributes have the length of its keys, as it was asked for: else each plan would set it again.
"""
import json
import re
import socketserver
from email.utils import parseaddr

socketserver.StreamRequestHandler.disable_nagle_algorithm = True

from ministack.core import iam_actions, iam_evaluator  # noqa: E402

resolve = iam_evaluator._resolve_condition_key
service_context = iam_actions.dynamodb_service_context


def resolve_as_aws(key, context):
    value = resolve(key, context)
    return re.sub(r":sts::(\d+):assumed-role/([^/]+)/.*", r":iam::\1:role/\2", value) if key.lower() == "aws:principalarn" else value


def entries(request):
    """Pairs of a table and an object with the member pk."""
    table = request.get("TableName")
    for member in ("Key", "Item"):
        if member in request:
            yield table, request[member]
    if "KeyConditionExpression" in request:
        yield table, {"pk": request.get("ExpressionAttributeValues", {}).get(":partition", {})}
    for name, wanted in request.get("RequestItems", {}).items():
        if isinstance(wanted, dict):
            yield from ((name, key) for key in wanted.get("Keys", []))
        else:
            for write in wanted:
                for change in write.values():
                    yield name, change.get("Item") or change.get("Key")
    for write in request.get("TransactItems", []):
        for change in write.values():
            yield change.get("TableName"), change.get("Item") or change.get("Key")


def context_with_keys(body):
    context = service_context(body)
    try:
        found = list(entries(json.loads(body or b"{}")))
        if len({table for table, _ in found}) == 1:
            context["dynamodb:LeadingKeys"] = sorted({entry["pk"]["S"] for _, entry in found})
    except (ValueError, KeyError, TypeError, AttributeError):
        # A request that is refused for its form.
        pass
    return context


iam_evaluator._resolve_condition_key = resolve_as_aws
iam_actions.dynamodb_service_context = context_with_keys

from ministack import app  # noqa: E402
from ministack.core.responses import get_account_id  # noqa: E402
from ministack.services import ses_v2  # noqa: E402

enforce_ses = app._enforce_ses_v2
pin_origin = app.pin_request_origin
dkim_attributes = ses_v2._easy_dkim_attributes


def enforce_sender(method, path, headers, body, query_params, request_id):
    if not app.AUTH or method != "POST" or path.rstrip("/") != "/v2/email/outbound-emails":
        return enforce_ses(method, path, headers, body, query_params, request_id)
    try:
        mail = json.loads(body or b"{}")
        address, options = parseaddr(mail["FromEmailAddress"])[1], mail.get("ConfigurationSetName")
    except (ValueError, KeyError, TypeError, AttributeError):
        # A request that is refused for its form.
        return enforce_ses(method, path, headers, body, query_params, request_id)
    arn = f"arn:aws:ses:{app.extract_region(headers, query_params)}:{get_account_id()}"
    for resource in [f"identity/{address.rpartition('@')[2]}"] + ([f"configuration-set/{options}"] if options else []):
        denied = app._enforce_data_plane("sesv2", "ses:SendEmail", headers, query_params, request_id, resource_arn=f"{arn}:{resource}",
                                         service_context={"ses:FromAddress": address}, named_resource=f"{arn}:{resource}")
        if denied:
            return denied
    return None


def dkim_with_lengths(identity, identity_type, signing_attributes):
    length = signing_attributes.get("NextSigningKeyLength", "RSA_2048_BIT")
    return {**dkim_attributes(identity, identity_type, signing_attributes), "CurrentSigningKeyLength": length, "NextSigningKeyLength": length}


app.pin_request_origin = lambda source_ip, secure_transport: pin_origin(source_ip, True)
app._enforce_ses_v2 = enforce_sender
ses_v2._easy_dkim_attributes = dkim_with_lengths

app.main()
