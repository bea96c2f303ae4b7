"""Starts the emulator with three corrections.

- No delayed writes, which cost forty milliseconds a request.
- `aws:PrincipalArn` is what AWS documents: the ARN of a role, where the emulator has that of its session.
- `dynamodb:LeadingKeys` is there, so the roles' conditions on it are enforced. A request over several tables has none: only AWS itself can
  tell whether it compares each table's keys alone (terraform/verify-aws.sh, check 2).
"""
import json
import re
import socketserver

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

from ministack.app import main  # noqa: E402

main()
