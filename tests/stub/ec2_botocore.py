#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""AWS's own client against the stand-in of EC2: ec2_botocore.py FOLDER PORT

Moves the Elastic IP from machine a to machine b, and the private address back to a: the stand-in
has one holder for both.
"""

import os
import sys

import botocore.exceptions
import botocore.session

FOLDER, PORT = sys.argv[1:]
IP, PRIVATE = "203.0.113.5", "10.0.0.100"
A, B = "eni-0a26", "eni-0b27"

session = botocore.session.Session()
session.set_credentials("AKIDSTUB", "stub/secret+0123456789")
client = session.create_client("ec2", region_name="eu-central-1",
                               endpoint_url="https://127.0.0.1:" + PORT,
                               verify=os.path.join(FOLDER, "ca.pem"))


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as err:
        assert err.response["Error"]["Code"] == code, err
        return
    sys.exit("it was not refused with " + code)


address = client.describe_addresses(PublicIps=[IP])["Addresses"][0]
assert (address["NetworkInterfaceId"], address["InstanceId"]) == (A, "i-0a26"), address
refused("InvalidAddress.NotFound", client.describe_addresses, PublicIps=["198.51.100.9"])
move = {"AllocationId": address["AllocationId"], "NetworkInterfaceId": B}
refused("Resource.AlreadyAssociated", client.associate_address, **move)
assert client.associate_address(AllowReassociation=True, **move)["AssociationId"]
seen = [client.describe_addresses(PublicIps=[IP])["Addresses"][0]["NetworkInterfaceId"]
        for _ in range(2)]
assert seen == [A, B], seen

subnet = client.describe_network_interfaces(NetworkInterfaceIds=[B])["NetworkInterfaces"][0]
filters = [{"Name": "addresses.private-ip-address", "Values": [PRIVATE]}]
assert len(client.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]) == 2
filters.append({"Name": "subnet-id", "Values": [subnet["SubnetId"]]})
found = client.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
assert [f["NetworkInterfaceId"] for f in found] == [B], found
own = {a["PrivateIpAddress"]: a["Primary"] for a in found[0]["PrivateIpAddresses"]}
assert own[PRIVATE] is False and True in own.values(), own
move = {"NetworkInterfaceId": A, "PrivateIpAddresses": [PRIVATE]}
refused("InvalidParameterValue", client.assign_private_ip_addresses, **move)
client.assign_private_ip_addresses(AllowReassignment=True, **move)
found = [client.describe_network_interfaces(Filters=filters)["NetworkInterfaces"][0]
         for _ in range(2)]
assert [f["NetworkInterfaceId"] for f in found] == [B, A], found
