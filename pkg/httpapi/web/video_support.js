// What video this browser can decode, and with which players.

// One codec for each profile and range of levels, the highest first. camd sends a client all that a decoder of these can decode, too.
const families = [
  { pattern: /^avc[13]\./, codecs: ['avc1.640033', 'avc1.640028', 'avc1.42e01f'] },
  { pattern: /^(hvc1|hev1)\./, codecs: ['hvc1.2.4.L153.B0', 'hvc1.1.6.L153.B0', 'hvc1.1.6.L120.B0'] },
];
const codecs = families.flatMap((family) => family.codecs);
const answerTimeout = 3000; // ms; some browsers wait for a graphics process that does not start

// mediaSourceClass returns the class for Media Source Extensions. iPhones have only ManagedMediaSource.
export const mediaSourceClass = () => globalThis.MediaSource ?? globalThis.ManagedMediaSource;

const isTypeSupported = (codec) => mediaSourceClass()?.isTypeSupported(`video/mp4; codecs="${codec}"`) ?? false;

// isConfigSupported reports whether WebCodecs decodes a codec. Only secure contexts have WebCodecs.
async function isConfigSupported(codec) {
  if (!globalThis.VideoDecoder || !globalThis.OffscreenCanvas) return false;
  const answer = VideoDecoder.isConfigSupported({ codec, optimizeForLatency: true }).catch(() => null);
  const timeout = new Promise((resolve) => { setTimeout(resolve, answerTimeout, null); });
  return (await Promise.race([answer, timeout]))?.supported === true;
}

// chosenPlayer is the only kind of player for video, if the address of the page has ?player=webcodecs, mse or jpeg. People and tests use it.
const chosenPlayer = () => new URLSearchParams(location.search).get('player');

// decodableCodecs returns {webcodecs, mse}: the codecs that each kind of player can play here.
export async function decodableCodecs() {
  const chosen = chosenPlayer();
  const isUsed = (kind) => !chosen || chosen === kind;
  const supported = await Promise.all(codecs.map((codec) => isUsed('webcodecs') && isConfigSupported(codec)));
  return {
    webcodecs: codecs.filter((_, i) => supported[i]),
    mse: codecs.filter((codec) => isUsed('mse') && isTypeSupported(codec)),
  };
}

// playerKinds returns the kinds of players for a stream, the best one first. decodable is the result of decodableCodecs. A player can
// still fail: the profile or the size may be too much for it.
export function playerKinds(codec, decodable) {
  if (codec === 'jpeg') return ['jpeg'];
  const family = families.find(({ pattern }) => pattern.test(codec));
  const kinds = ['webcodecs', 'mse'].filter((kind) => decodable[kind].some((other) => family?.codecs.includes(other)));
  return kinds.filter((kind) => kind !== 'mse' || isTypeSupported(codec));
}
