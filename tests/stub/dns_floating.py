# SPDX-License-Identifier: GPL-2.0-only
"""Floating addresses for dns_server.py: DigitalOcean's reserved IPs, and EC2 of AWS.

One address, 203.0.113.5 or, as a secondary private one, 10.0.0.100, is at machine a, b or x, of
which x is a stranger, or at none (""). DigitalOcean carries an action out PENDING_S after it has
accepted it; until then the address is locked. EC2 carries a change out at once, and reports it one
question later. A network of another subnet has the same private address.
"""

import json
import threading
import urllib.parse

import sigv4

IP, PRIVATE = "203.0.113.5", "10.0.0.100"
REGION, SUBNET = "eu-central-1", "subnet-0stub"
DROPLETS = {"a": 3164444, "b": 3164445, "x": 9999999}
INTERFACES = {"a": "eni-0a26", "b": "eni-0b27", "x": "eni-0cfe"}
INSTANCES = {"a": "i-0a26", "b": "i-0b27", "x": "i-0cfe"}
FIRST = {"a": "10.0.0.26", "b": "10.0.0.27", "x": "10.0.0.28"}
HOLDERS = {"none": "", "foreign": "x"}
PENDING_S = 0.1
EC2_NS = "http://ec2.amazonaws.com/doc/2016-11-15/"
EC2_VERSION = "2016-11-15"


class Address:
    def __init__(self, shape):
        self.primary = shape == "primary"
        self.holder = HOLDERS.get(shape, "a")
        self.shown = self.holder
        self.actions = {}
        self.pending = None

    def move(self, to):
        self.shown, self.holder = self.holder, to

    def show(self):
        """What EC2 reports: the last change one question later."""
        now, self.shown = self.shown, self.holder
        return now


def find(table, value):
    return next((k for k, v in table.items() if v == value), None)


class Floating:
    """Mixed into the handler of dns_server.py."""

    # ---- DigitalOcean ----

    def reserved_ips(self, parts):
        address = self.world.address
        if parts[1:2] != [IP]:
            return self.do_fail(404, "not_found", "The resource you were accessing could not be "
                                "found.")
        if self.command == "GET" and len(parts) == 2:
            droplet = {"id": DROPLETS[address.holder]} if address.holder else None
            return self.send_json(200, {"reserved_ip": {
                "ip": IP, "droplet": droplet, "region": {"name": "New York 3", "slug": "nyc3"},
                "locked": address.pending is not None, "project_id": "p1"}, "links": {},
                "meta": {}})
        if self.command == "POST" and parts[2:] == ["actions"]:
            return self.assign_ip(address)
        if self.command == "GET" and parts[2:3] == ["actions"] and len(parts) == 4 and \
                parts[3] in address.actions:
            return self.send_json(200, self.do_action(address, parts[3]))
        return self.do_fail(404, "not_found", "no such path")

    def assign_ip(self, address):
        body = json.loads(self.body)
        if self.headers.get("Content-Type") != "application/json" or \
                set(body) != {"type", "droplet_id"} or body["type"] != "assign":
            return self.do_fail(422, "unprocessable_entity", "type and droplet_id, no more")
        to = find(DROPLETS, body["droplet_id"])
        if to is None:
            return self.do_fail(422, "unprocessable_entity", "Droplet not found.")
        if address.pending is not None:
            return self.do_fail(422, "unprocessable_entity",
                                "The Reserved IP already has a pending event.")
        number = str(72531856 + len(address.actions))
        address.actions[number] = "in-progress"
        address.pending = to
        self.world.open += 1
        threading.Timer(PENDING_S, self.complete, (address, number, to)).start()
        return self.send_json(201, self.do_action(address, number))

    def complete(self, address, number, to):
        with self.world.lock:
            self.world.open -= 1
            if address is not self.world.address:
                return  # of an earlier run
            errored = self.world.control.get("fail") == "errored"
            address.pending = None
            address.actions[number] = "errored" if errored else "completed"
            if not errored:
                address.move(to)
                self.world.note_change()
            self.world.save()

    @staticmethod
    def do_action(address, number):
        return {"action": {"id": int(number), "status": address.actions[number],
                           "type": "assign_ip", "started_at": "2026-01-01T00:00:00Z",
                           "completed_at": None, "resource_id": 758604968,
                           "resource_type": "reserved_ip", "region_slug": "nyc3"}}

    # ---- EC2 ----

    def ec2_fail(self, status, code, message):
        self.send(status, '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>'
                  "%s</Code><Message>%s</Message></Error></Errors><RequestID>1</RequestID>"
                  "</Response>" % (code, message), "text/xml;charset=UTF-8")

    def ec2_ok(self, action, inside):
        self.send(200, '<?xml version="1.0" encoding="UTF-8"?>\n<%sResponse xmlns="%s">'
                  "<requestId>1</requestId>%s</%sResponse>" % (action, EC2_NS, inside, action),
                  "text/xml;charset=UTF-8")

    def ec2(self, key_id, secret, session):
        if self.failing == "500":
            return self.ec2_fail(500, "InternalError", "An internal error has occurred")
        if self.failing in ("429", "throttle"):
            return self.ec2_fail(503, "RequestLimitExceeded", "Request limit exceeded.")
        if self.failing == "expired":
            return self.ec2_fail(400, "RequestExpired", "Request has expired.")
        headers = {k.lower(): v for k, v in self.headers.items()}
        token = session if "x-amz-security-token" in headers else ""
        if self.command != "POST" or \
                not headers.get("content-type", "").startswith("application/x-www-form-url"):
            return self.ec2_fail(400, "InvalidAction", "a form is expected")
        if sigv4.why_wrong(("POST", self.url.path, self.url.query, headers, self.body), key_id,
                           secret, token, REGION, "ec2"):
            return self.ec2_fail(401, "AuthFailure", "AWS was not able to validate the provided "
                                 "access credentials")
        form = dict(urllib.parse.parse_qsl(self.body.decode(), strict_parsing=True))
        action, version = form.pop("Action", ""), form.pop("Version", "")
        serve = {"DescribeAddresses": self.ec2_addresses, "AssociateAddress": self.ec2_associate,
                 "DescribeNetworkInterfaces": self.ec2_interfaces,
                 "AssignPrivateIpAddresses": self.ec2_assign}.get(action)
        if not serve or version != EC2_VERSION:
            return self.ec2_fail(400, "InvalidAction", "The action %s is not valid for this web "
                                 "service." % action)
        return serve(form)

    def ec2_addresses(self, form):
        if form != {"PublicIp.1": IP}:
            return self.ec2_fail(400, "InvalidAddress.NotFound", "Address '%s' not found." %
                                 form.get("PublicIp.1"))
        holder = self.world.address.show()
        where = ""
        if holder:
            where = ("<associationId>eipassoc-1</associationId><instanceId>%s</instanceId>"
                     "<networkInterfaceId>%s</networkInterfaceId><privateIpAddress>%s"
                     "</privateIpAddress>" % (INSTANCES[holder], INTERFACES[holder],
                                              FIRST[holder]))
        return self.ec2_ok("DescribeAddresses", "<addressesSet><item><publicIp>%s</publicIp>"
                           "<allocationId>eipalloc-0stub</allocationId><domain>vpc</domain>%s"
                           "<tagSet><item><key>instanceId</key><value>i-0b27</value></item>"
                           "</tagSet></item></addressesSet>" % (IP, where))

    def ec2_associate(self, form):
        to = find(INTERFACES, form.pop("NetworkInterfaceId", None)) or \
            find(INSTANCES, form.pop("InstanceId", None))
        again = form.pop("AllowReassociation", "")
        if form != {"AllocationId": "eipalloc-0stub"} or not to:
            return self.ec2_fail(400, "InvalidParameterCombination", "not the ids of this region")
        if self.world.address.holder and again != "true":
            return self.ec2_fail(400, "Resource.AlreadyAssociated", "resource is already "
                                 "associated with associate-id eipassoc-1")
        self.world.address.move(to)
        self.world.note_change()
        return self.ec2_ok("AssociateAddress", "<return>true</return>"
                           "<associationId>eipassoc-2</associationId>")

    def network(self):
        """(id, subnet, [(address, primary)]) of all interfaces."""
        address = self.world.address
        holder = address.show()
        found = [("eni-0dead", "subnet-0other", [(PRIVATE, False), ("10.0.0.9", True)])]
        for name, interface in INTERFACES.items():
            own = [(FIRST[name], True)]
            if name == holder:
                own = [(PRIVATE, True)] if address.primary else own + [(PRIVATE, False)]
            found.append((interface, SUBNET, own))
        return found

    def ec2_interfaces(self, form):
        found = self.network()
        wanted = form.pop("NetworkInterfaceId.1", None)
        filters = {form.pop("Filter.%d.Name" % i, None): form.pop("Filter.%d.Value.1" % i, None)
                   for i in (1, 2)}
        filters.pop(None, None)
        if form or not set(filters) <= {"addresses.private-ip-address", "subnet-id"}:
            return self.ec2_fail(400, "InvalidParameterValue", "no such filter")
        if wanted:
            found = [f for f in found if f[0] == wanted]
            if not found:
                return self.ec2_fail(400, "InvalidNetworkInterfaceID.NotFound",
                                     "The networkInterface ID '%s' does not exist" % wanted)
        if "subnet-id" in filters:
            found = [f for f in found if f[1] == filters["subnet-id"]]
        if "addresses.private-ip-address" in filters:
            found = [f for f in found
                     if filters["addresses.private-ip-address"] in [a for a, _ in f[2]]]
        items = "".join(
            "<item><networkInterfaceId>%s</networkInterfaceId><subnetId>%s</subnetId>"
            "<privateIpAddress>%s</privateIpAddress><privateIpAddressesSet>%s"
            "</privateIpAddressesSet></item>" % (interface, subnet, own[0][0], "".join(
                "<item><privateIpAddress>%s</privateIpAddress><primary>%s</primary></item>" %
                (a, "true" if primary else "false") for a, primary in own))
            for interface, subnet, own in found)
        return self.ec2_ok("DescribeNetworkInterfaces",
                           "<networkInterfaceSet>%s</networkInterfaceSet>" % items)

    def ec2_assign(self, form):
        to = find(INTERFACES, form.pop("NetworkInterfaceId", None))
        again = form.pop("AllowReassignment", "")
        address = self.world.address
        if form != {"PrivateIpAddress.1": PRIVATE} or not to:
            return self.ec2_fail(400, "InvalidParameterValue", "not the ids of this subnet")
        if address.primary or (address.holder and again != "true"):
            return self.ec2_fail(400, "InvalidParameterValue", "Some of the specified addresses "
                                 "are already assigned")
        address.move(to)
        self.world.note_change()
        return self.ec2_ok("AssignPrivateIpAddresses", "<return>true</return>"
                           "<networkInterfaceId>%s</networkInterfaceId>" % INTERFACES[to])
