// Texts about how the pictures of a camera are made: the track that is decoded, and what the decoders use.

import { bytes, count, problemText, sentence, stateLabel } from './format.js';
import { trackTitle } from './tracks.js';

const origins = { video: 'Decoded from the video', sub: 'Decoded from the sub-stream', main: 'Scaled down from main' };

function origin(camera, stream) {
  if (stream.track) return origins[stream.track] ?? stream.track;
  return stream.name === 'main' && camera.format.passthrough ? 'Passed on without decoding' : 'Made by the capture process';
}

// streamDescription returns where the pictures of a rendition come from, and why there are none. The row of the decoder has the details.
function streamDescription(camera, stream) {
  const from = origin(camera, stream);
  if (camera.state !== 'live' || stream.state === 'live') return from; // the state of the camera is shown anyway
  return stream.reason ? `${from}. ${sentence(stream.reason_text)}` : `${from}, ${stateLabel(stream.state).toLowerCase()}`;
}

// streamRows returns the rows about the renditions of a camera. It has none for a camera without decoders.
export const streamRows = (camera) => (camera.decoders.length ? camera.streams : [])
  .map((stream) => [`Rendition ${stream.name}`, streamDescription(camera, stream)]);

const decoderStates = { live: 'Running', offline: 'Failed' };

// decoderDescription returns what a decoder does and uses. load is the share of a core that its process uses, or empty.
function decoderDescription(decoder, load) {
  const memory = decoder.rss_bytes ? bytes(decoder.rss_bytes) : '';
  const facts = [decoderStates[decoder.state] ?? stateLabel(decoder.state), load, memory, count(decoder.starts, 'start')];
  return [facts.filter(Boolean).join(', '), problemText(decoder)].filter(Boolean).join('. ');
}

// decoderRows returns the rows about the decoders. cpuText returns the share of a core that the process of a track uses.
export const decoderRows = (camera, cpuText) => camera.decoders.map((decoder) => [
  decoder.track === 'main' ? 'Decoder' : `${trackTitle({ name: decoder.track })} decoder`,
  decoderDescription(decoder, cpuText(decoder.track)),
]);
