// The boxes around a frame of a fragmented MP4 file (ISO/IEC 14496-12): one fragment per frame, as package fmp4 builds it.

// timescale is how many ticks a second has in the streams of camd.
export const timescale = 90000;

// sampleDuration is one second. A SourceBuffer discards frames up to the next keyframe when the time of decoding advances by more than
// twice the duration of the frame before. And the last frame stays playable for a second, so that a late frame stops nothing.
export const sampleDuration = timescale;

const moofSize = 104;
const headSize = moofSize + 8; // with the header of mdat
const syncSample = 2 << 24; // sample_depends_on: no other
const nonSyncSample = (1 << 24) | (1 << 16); // sample_depends_on: others; sample_is_non_sync_sample

// buildFragment returns moof and mdat of a frame. The sequence number counts the fragments from 1. The times are in ticks: when the frame
// is decoded, which is not negative, and when it is displayed.
export function buildFragment(sequence, { decode, display }, { key, data }) {
  const fragment = new Uint8Array(headSize + data.length);
  const view = new DataView(fragment.buffer);
  let at = 0;
  const box = (kind, size, ...words) => {
    view.setUint32(at, size);
    for (let i = 0; i < 4; i++) view.setUint8(at + 4 + i, kind.charCodeAt(i));
    at += 8;
    for (const word of words) {
      view.setUint32(at, word);
      at += 4;
    }
  };
  box('moof', moofSize);
  box('mfhd', 16, 0, sequence);
  box('traf', 80);
  box('tfhd', 20, 0x020008, 1, sampleDuration); // default-base-is-moof, default_sample_duration
  box('tfdt', 20, 1 << 24, Math.floor(decode / 2 ** 32), decode % 2 ** 32); // version 1: a time of 64 bits
  box('trun', 32, (1 << 24) | 0xE01, 1, headSize, data.length, key ? syncSample : nonSyncSample, display - decode);
  box('mdat', 8 + data.length);
  fragment.set(data, headSize);
  return fragment;
}
