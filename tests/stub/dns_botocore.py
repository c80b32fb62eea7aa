#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""AWS's own client against the stand-in of Route53: dns_botocore.py FOLDER PORT

Moves the record from one node to the other, and waits until the change is INSYNC.
"""

import os
import sys

import botocore.session

FOLDER, PORT = sys.argv[1:]
A, B = "203.0.113.26", "203.0.113.27"

session = botocore.session.Session()
session.set_credentials("AKIDSTUB", "stub/secret+0123456789")
client = session.create_client("route53", region_name="us-east-1",
                               endpoint_url="https://127.0.0.1:" + PORT,
                               verify=os.path.join(FOLDER, "ca.pem"))

zones = client.list_hosted_zones_by_name(DNSName="example.com.")["HostedZones"]
zone = [z for z in zones if z["Name"] == "example.com." and not z["Config"]["PrivateZone"]][0]
zone_id = zone["Id"].split("/")[-1]

everything = []
for page in client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone_id):
    everything += page["ResourceRecordSets"]
assert len(everything) > 450, len(everything)

found = client.list_resource_record_sets(HostedZoneId=zone_id, StartRecordType="A", MaxItems="1",
                                         StartRecordName="game.example.com.")
rrset = found["ResourceRecordSets"][0]
assert rrset["ResourceRecords"] == [{"Value": A}], rrset


def replace(old, new):
    batch = {"Changes": [{"Action": "DELETE", "ResourceRecordSet": old},
                         {"Action": "CREATE", "ResourceRecordSet": new}]}
    return client.change_resource_record_sets(HostedZoneId=zone_id,
                                              ChangeBatch=batch)["ChangeInfo"]


changed = dict(rrset, ResourceRecords=[{"Value": B}])
change = replace(rrset, changed)
assert change["Status"] == "PENDING", change
states = [client.get_change(Id=change["Id"])["ChangeInfo"]["Status"] for _ in range(2)]
assert states[-1] == "INSYNC", states

for old, new, what in ((changed, dict(changed, TTL=changed["TTL"] + 1), "a change of the TTL"),
                       (rrset, rrset, "a change of another set than the present one")):
    try:
        replace(old, new)
        sys.exit(what + " was accepted")
    except client.exceptions.InvalidChangeBatch:
        pass
