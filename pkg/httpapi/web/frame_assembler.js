// Frames of the wall from their pieces (docs/protocol.md, "Frames to the client").

const layoutVersion = 2;
const headerBytes = 40;
const maxMessageBytes = 32 << 10;
const maxFrameBytes = 32 << 20;
const maxIncompleteBytes = 128 << 20; // in the incomplete frames of all streams
const flags = { placeholder: 1, key: 2, catchUp: 4 };

// parsePiece returns the header of a message and its bytes: `frame` without data, `total` and `offset` in bytes, and `bytes`.
function parsePiece(message) {
  const size = message.byteLength;
  if (size <= headerBytes || size > maxMessageBytes) throw new RangeError(`a piece of a frame has ${size} bytes`);
  const view = new DataView(message);
  if (view.getUint8(0) !== layoutVersion) throw new RangeError(`a piece of a frame has layout ${view.getUint8(0)}`);
  const flag = view.getUint8(1);
  const frame = {
    stream: view.getUint16(2),
    seq: Number(view.getBigUint64(12)),
    key: (flag & flags.key) !== 0,
    placeholder: (flag & flags.placeholder) !== 0,
    catchUp: (flag & flags.catchUp) !== 0,
    taken: Number(view.getBigUint64(20)) / 1000, // ms since 1970
    pts: Number(view.getBigInt64(28)), // µs
    offset: view.getInt32(36), // µs
  };
  if (!Number.isSafeInteger(frame.seq)) throw new RangeError('a frame has a number that is too large');
  const [total, offset] = [view.getUint32(4), view.getUint32(8)];
  const bytes = new Uint8Array(message, headerBytes);
  if (total > maxFrameBytes) throw new RangeError(`a frame of stream ${frame.stream} has ${total} bytes`);
  if (offset + bytes.length > total) throw new RangeError(`a piece of stream ${frame.stream} is longer than its frame`);
  return { frame, total, offset, bytes };
}

// streamOf returns the number of the stream that a message belongs to.
export const streamOf = (message) => new DataView(message).getUint16(2);

export class FrameAssembler {
  constructor() {
    this.incomplete = new Map(); // stream to {frame, received}; frame.data has the length of the whole frame
    this.incompleteBytes = 0;
  }

  // add takes a message. It returns a frame if the message completes one, and otherwise null: {stream, seq, key, placeholder, catchUp,
  // taken in ms since 1970, pts and offset in µs, data}. It throws a RangeError if the message breaks the protocol.
  add(message) {
    const { frame, total, offset, bytes } = parsePiece(message);
    if (offset === 0) this.forget(frame.stream); // camd has given up the rest of the frame before
    if (bytes.length === total) return { ...frame, data: bytes };
    if (offset === 0) this.begin(frame, total);
    const partial = this.incomplete.get(frame.stream);
    if (!partial || partial.received !== offset || partial.frame.seq !== frame.seq || partial.frame.data.length !== total) {
      throw new RangeError(`a piece of stream ${frame.stream} does not continue its frame`);
    }
    partial.frame.data.set(bytes, offset);
    partial.received += bytes.length;
    if (partial.received < total) return null;
    this.forget(frame.stream);
    return partial.frame;
  }

  // forget drops the incomplete frame of a stream.
  forget(stream) {
    this.incompleteBytes -= this.incomplete.get(stream)?.frame.data.length ?? 0;
    this.incomplete.delete(stream);
  }

  begin(frame, total) {
    if (this.incompleteBytes + total > maxIncompleteBytes) throw new RangeError('too many bytes in incomplete frames');
    this.incomplete.set(frame.stream, { frame: { ...frame, data: new Uint8Array(total) }, received: 0 });
    this.incompleteBytes += total;
  }
}
