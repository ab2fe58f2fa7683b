"""One libtorrent peer: TORRENT DIRECTORY ADDRESS seed|fetch short|long.

Prints its port when it is ready, and `verified` when it holds everything. Takes the addresses of its neighbours as a line
of JSON, [[host, port], ...], and ends with its stdin.
"""
import json
import sys
import threading
import time

import libtorrent

TORRENT, DIRECTORY, ADDRESS, ROLE, QUEUE = sys.argv[1:]
POLL_SECONDS = 0.01  # wait_for_alert of this binding has crashed peers

settings = {
    "listen_interfaces": f"{ADDRESS}:0",
    "outgoing_interfaces": ADDRESS,
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_outgoing_utp": False,
    "enable_incoming_utp": False,
    "in_enc_policy": 2,
    "out_enc_policy": 2,
    "connection_speed": 500,
    "torrent_connect_boost": 255,
    "connections_limit": 1000,
    "unchoke_slots_limit": -1,
    "peer_turnover": 0,
    "min_reconnect_time": 1,
    "max_allowed_in_request_queue": 5000,
    "allow_multiple_connections_per_ip": True,
    "alert_mask": libtorrent.alert.category_t.status_notification,
}
if QUEUE == "short":
    settings.update({"max_out_request_queue": 16, "request_queue_time": 1})

session = libtorrent.session(settings)
wanted = libtorrent.add_torrent_params()
wanted.ti = libtorrent.torrent_info(TORRENT)
wanted.save_path = DIRECTORY
flags = libtorrent.torrent_flags
wanted.flags &= ~(flags.auto_managed | flags.paused)
if ROLE == "seed":
    wanted.flags |= flags.seed_mode
handle = session.add_torrent(wanted)


def obey():
    for line in sys.stdin:
        for host, port in json.loads(line):
            handle.connect_peer((host, port))
    stopped.set()


stopped = threading.Event()
told_port = told_end = False
threading.Thread(target=obey, daemon=True).start()
while not stopped.is_set():
    for alert in session.pop_alerts():
        if isinstance(alert, libtorrent.torrent_finished_alert) and ROLE == "fetch" and not told_end:
            told_end = True
            print("verified", flush=True)
    state = handle.status().state if not told_port else None
    if state in (libtorrent.torrent_status.downloading, libtorrent.torrent_status.seeding) and session.listen_port():
        told_port = True
        print(session.listen_port(), flush=True)
    time.sleep(POLL_SECONDS)
