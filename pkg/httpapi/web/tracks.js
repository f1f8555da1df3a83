// Texts about the tracks of a camera: what it sends, and what is wrong with that.

import { bitRate, seconds, sentence, stateLabel } from './format.js';

const trackTitles = { video: 'Video', sub: 'Sub-stream' };

export const trackTitle = (track) => trackTitles[track.name] ?? track.name;

export const codecTitles = { h264: 'H.264', h265: 'H.265' };

// maxKeyframeInterval is the longest time between keyframes, in seconds, that causes no warning.
const maxKeyframeInterval = 10;

// trackDescription returns what a track sends: H.264, 1920 × 1080, 25.0 fps, 4.1 Mbit/s, a keyframe every 2.0 s.
function trackDescription(track) {
  const parts = [codecTitles[track.codec] ?? track.codec];
  if (track.width) parts.push(`${track.width} × ${track.height}`);
  if (track.state === 'live') {
    parts.push(`${track.fps.toFixed(1)} fps`, bitRate(track.bit_rate));
    if (track.keyframe_interval_seconds !== null) parts.push(`a keyframe every ${seconds(track.keyframe_interval_seconds)}`);
  } else {
    parts.push(sentence(track.reason_text) || stateLabel(track.state));
  }
  return parts.filter(Boolean).join(', ');
}

// trackProblem returns what is wrong with the keyframes of a track. The text is empty if nothing is wrong.
function trackProblem(track) {
  if (track.state !== 'live' || track.keyframes === 0) return '';
  const advice = 'Set a keyframe interval of 1 to 2 s in the camera, and turn off a “smart” codec such as H.264+.';
  if (!track.joinable) return `New viewers wait for the next keyframe, because there are too many frames between two keyframes. ${advice}`;
  if (track.keyframe_interval_seconds > maxKeyframeInterval) {
    return `The keyframes are ${seconds(track.keyframe_interval_seconds)} apart. A viewer that loses a frame waits up to that long for the next picture. ${advice}`;
  }
  return '';
}

// trackRows returns the rows about a camera's tracks for the list of its state.
export const trackRows = (camera) => camera.tracks.flatMap((track) => [
  [trackTitle(track), trackDescription(track)],
  [`${trackTitle(track)} problem`, trackProblem(track)],
]);
