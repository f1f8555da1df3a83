"""Reads a stream as programs with OpenCV do, and writes its pictures into a directory: opencv.py URL DIRECTORY NUMBER."""

import sys

import cv2

url, directory, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG)
if not capture.isOpened():
    sys.exit("not opened")
for i in range(number):
    ok, picture = capture.read()
    if not ok:
        sys.exit(f"picture {i} was not read")
    cv2.imwrite(f"{directory}/{i:04}.png", picture)
