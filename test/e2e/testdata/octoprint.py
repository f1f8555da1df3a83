"""Takes a time-lapse's pictures as OctoPrint does: octoprint.py SNAPSHOT_URL DIRECTORY NUMBER SECONDS.

First it looks whether the address gives pictures, as the test in OctoPrint's settings does.
"""

import sys
import time

import requests

url, directory, number, interval = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])

answer = requests.get(url, timeout=60)
kind = answer.headers.get("Content-Type", "")
if not answer.ok or not kind.startswith("image/"):
    sys.exit(f"{answer.status_code} {kind}: no picture")

for i in range(number):
    answer = requests.get(url, stream=True, timeout=60)
    answer.raise_for_status()
    with open(f"{directory}/{i:04}.jpg", "wb") as picture:
        for piece in answer.iter_content(chunk_size=1024):
            if piece:
                picture.write(piece)
    time.sleep(interval)
