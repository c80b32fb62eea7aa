# SPDX-License-Identifier: GPL-2.0-only
"""Verifies AWS Signature Version 4 of a request, by the specification and apart from any client.

self_test() checks this code with the vector get-vanilla that AWS publishes.
"""

import hashlib
import hmac
import re
import urllib.parse

FORM = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
                  r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$")


def canonical_query(query):
    """Sorted by name, escapes in upper case."""
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    quote = lambda s: urllib.parse.quote(s, safe="-_.~")  # noqa: E731
    return "&".join("%s=%s" % p for p in sorted((quote(k), quote(v)) for k, v in pairs))


def signature(secret, request, date, day, region, service, signed):
    """request: (method, path, query, headers by lower-case name, body)."""
    method, path, query, headers, body = request
    canonical = "\n".join(
        [method, urllib.parse.quote(path, safe="/-_.~%"), canonical_query(query)] +
        ["%s:%s" % (h, " ".join(headers[h].split())) for h in signed] +
        ["", ";".join(signed), hashlib.sha256(body).hexdigest()])
    scope = "/".join([day, region, service, "aws4_request"])
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def why_wrong(request, key_id, secret, token, region, service):
    """What is wrong with a signed request; None when it is right."""
    headers = request[3]
    found = FORM.match(headers.get("authorization", ""))
    if not found:
        return "MissingAuthenticationToken"
    who, day, its_region, its_service, signed, given = found.groups()
    signed = signed.split(";")
    if who != key_id:
        return "InvalidClientTokenId"
    if (its_region, its_service) != (region, service):
        return "InvalidSignatureException"
    must = {"host", "x-amz-date"} | ({"x-amz-security-token"} if token else set())
    if not must <= set(signed) or signed != sorted(signed):
        return "InvalidSignatureException"
    if token and headers.get("x-amz-security-token") != token:
        return "ExpiredToken"
    date = headers["x-amz-date"]
    if not date.startswith(day):
        return "InvalidSignatureException"
    right = signature(secret, request, date, day, region, service, signed)
    return None if hmac.compare_digest(right, given) else "SignatureDoesNotMatch"


def self_test():
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
    got = signature("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ("GET", "/", "", headers, b""),
                    "20150830T123600Z", "20150830", "us-east-1", "service",
                    ["host", "x-amz-date"])
    want = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    assert got == want, "the published vector get-vanilla gives %s" % got


self_test()
