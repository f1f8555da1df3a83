// The queue in front of a SourceBuffer, which takes one append at a time. It removes what has been played.

const keepSeconds = 3; // behind the position
const maxQueuedBytes = 64 << 20; // while the browser takes nothing

export class MediaBuffer {
  // sourceBuffer is that of an open MediaSource. playedSeconds returns the position of the element. onFailed is called with an Error, once.
  constructor(sourceBuffer, playedSeconds, onFailed) {
    this.sourceBuffer = sourceBuffer;
    this.playedSeconds = playedSeconds;
    this.onFailed = onFailed;
    this.queue = []; // of {bytes, keyAt, onAppended}
    this.queuedBytes = 0;
    this.appending = []; // the same, in the SourceBuffer's hands
    this.keyframes = []; // times in seconds of those that are in the SourceBuffer
    sourceBuffer.onupdateend = () => this.finish();
    sourceBuffer.onerror = () => this.fail(new Error('the browser cannot read the video'));
  }

  // append queues bytes. keyAt is when a keyframe is displayed, in seconds, and undefined for other frames. onAppended is called when the
  // SourceBuffer has taken the bytes.
  append(bytes, { keyAt, onAppended } = {}) {
    if (this.queuedBytes + bytes.length > maxQueuedBytes) {
      this.fail(new Error('the browser takes no more video'));
      return;
    }
    this.queue.push({ bytes, keyAt, onAppended });
    this.queuedBytes += bytes.length;
    this.continue();
  }

  // close empties the queue. The SourceBuffer is emptied with its MediaSource.
  close() {
    if (!this.sourceBuffer) return;
    this.sourceBuffer.onupdateend = this.sourceBuffer.onerror = null;
    this.sourceBuffer = null;
    this.queue = [];
    this.appending = [];
  }

  // continue starts the next append or removal.
  continue() {
    if (!this.sourceBuffer || this.sourceBuffer.updating) return;
    try {
      if (this.removePlayed(keepSeconds) || !this.queue.length) return;
      const all = this.queue;
      this.sourceBuffer.appendBuffer(concatenate(all.map(({ bytes }) => bytes)));
      this.queue = [];
      this.queuedBytes = 0;
      this.appending = all;
      this.keyframes.push(...all.map(({ keyAt }) => keyAt).filter((at) => at !== undefined));
    } catch (error) {
      this.recover(error);
    }
  }

  // recover makes room if the browser has none. The end of the removal tries the append again.
  recover(error) {
    if (error.name !== 'QuotaExceededError') {
      this.fail(error);
      return;
    }
    try {
      if (!this.removePlayed(0)) this.fail(error);
    } catch (again) {
      this.fail(again);
    }
  }

  // removePlayed removes what is older than that many seconds, and reports whether it has begun to. A removal goes on to the next keyframe,
  // so it ends at one in front of the position. Frames behind it need nothing that was removed.
  removePlayed(seconds) {
    const keep = this.keyframes.findLastIndex((at) => at <= this.playedSeconds() - seconds);
    if (keep < 1) return false;
    this.keyframes.splice(0, keep);
    this.sourceBuffer.remove(0, this.keyframes[0]);
    return true;
  }

  finish() {
    const { appending } = this;
    this.appending = [];
    for (const { onAppended } of appending) onAppended?.();
    this.continue();
  }

  fail(error) {
    if (!this.sourceBuffer) return;
    this.close();
    this.onFailed(error);
  }
}

function concatenate(parts) {
  if (parts.length === 1) return parts[0];
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
