// Texts about the stream of a live view: its codec, and why it is not the best one.

import { codecTitles, trackTitle } from './tracks.js';

const codecNames = { avc1: 'H.264', avc3: 'H.264', hvc1: 'H.265', hev1: 'H.265' };

// codecText returns the name of a codec and its string as in RFC 6381, such as H.264 (avc1.64001e).
export const codecText = (codec) => (codec === 'jpeg' ? 'JPEG' : `${codecNames[codec.slice(0, 4)] ?? 'Video'} (${codec})`);

// streamTitle returns what a stream is: Video, Sub-stream, or the rendition of JPEGs.
export const streamTitle = ({ track, codec }) => (codec === 'jpeg' ? `Rendition ${track}` : trackTitle({ name: track }));

const isJPEG = ({ codec }) => codec === 'jpeg';

// undecodable returns the codecs of the camera's tracks that this browser cannot decode, given the stream that it gets instead.
function undecodable(camera, stream) {
  const better = camera.tracks.filter(({ name }) => name !== stream.track && (isJPEG(stream) || name === 'video'));
  return [...new Set(better.map(({ codec }) => codecTitles[codec]).filter(Boolean))].join(' and ') || 'the video of this camera';
}

// reasonText returns why camd does not send the first choice of a view.
export function reasonText(camera, stream) {
  switch (stream.reason) {
    case 'decoder': return `This browser cannot decode ${undecodable(camera, stream)}`;
    case 'link': return isJPEG(stream) ? 'Slow connection: one picture per second' : 'Slow connection: smaller picture';
    case 'camera': return 'The camera is not sending video';
    default: return '';
  }
}

// streamNote returns what people should know about the picture of a live view. It is empty if all is well. A tile says less, because its
// picture is small anyway.
export function streamNote(camera, { stream, picture }) {
  if (!stream || !picture || picture.placeholder || camera.paused) return '';
  const isNoted = stream.reason === 'link' || (stream.reason === 'decoder' && stream.view === 'full');
  return isNoted ? reasonText(camera, stream) : '';
}
