"""
OpenStack Swift with its S3 API on a port of loopback. All of its servers are in this one process, which starts fast:
the proxy, and behind it one server each for accounts, containers and objects, which keeps the objects in memory.
"""

import os
import sys

from swift.common import utils

utils.eventlet_monkey_patch()

import eventlet
import eventlet.wsgi

folder, port = os.path.realpath(sys.argv[1]), int(sys.argv[2])
with open(os.path.join(folder, "swift.conf"), "w") as file:
    file.write("[swift-hash]\nswift_hash_path_suffix = test\n")
utils.set_swift_dir(folder)

# What these load depends on swift.conf.
from swift.account.server import AccountController
from swift.common.ring import RingBuilder
from swift.common.wsgi import SwiftHttpProtocol, loadapp
from swift.container.server import ContainerController
from swift.obj.mem_server import ObjectController

devices = os.path.join(folder, "devices")
os.makedirs(os.path.join(devices, "disk"))
conf = {"swift_dir": folder, "devices": devices, "mount_check": "false"}


def serve(listener, app):
    # S3 writes ETag, not Etag.
    options = {"protocol": SwiftHttpProtocol, "capitalize_response_headers": False}
    return eventlet.spawn(eventlet.wsgi.server, listener, app, utils.NullLogger(), **options)


controllers = {"account": AccountController, "container": ContainerController, "object": ObjectController}
for kind, controller in controllers.items():
    listener = eventlet.listen(("127.0.0.1", 0))
    builder = RingBuilder(part_power=1, replicas=1, min_part_hours=0)
    ip, backend_port = listener.getsockname()
    builder.add_dev({"region": 1, "zone": 1, "weight": 1, "ip": ip, "port": backend_port, "device": "disk"})
    builder.rebalance()
    builder.get_ring().save(os.path.join(folder, kind + ".ring.gz"))
    serve(listener, controller(conf))

proxy = loadapp(os.path.join(folder, "proxy-server.conf"), {"swift_dir": folder})
serve(eventlet.listen(("127.0.0.1", port)), proxy).wait()
