// The configuration of a VideoDecoder, from the initialisation segment of a stream.

const boxHeaderBytes = 8;
const containers = ['moov', 'trak', 'mdia', 'minf', 'stbl']; // from the outside to the sample description (ISO/IEC 14496-12, section 8)
const sampleDescriptionBytes = 8; // before its entries: version, flags and number of entries
const visualEntryBytes = 78; // before the boxes of a VisualSampleEntry
const configurations = ['avcC', 'hvcC'];

// decoderDescription returns the content of avcC or hvcC (ISO/IEC 14496-15) in an initialisation segment.
export function decoderDescription(init) {
  let bytes = init;
  for (const kind of containers) bytes = child(bytes, (found) => found === kind);
  const entries = child(bytes, (found) => found === 'stsd').subarray(sampleDescriptionBytes);
  const entry = child(entries, () => true);
  return child(entry.subarray(visualEntryBytes), (found) => configurations.includes(found));
}

// child returns the content of the first box that is wanted.
function child(bytes, isWanted) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + boxHeaderBytes <= bytes.length;) {
    const size = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + boxHeaderBytes));
    if (size < boxHeaderBytes || at + size > bytes.length) break;
    if (isWanted(kind)) return bytes.subarray(at + boxHeaderBytes, at + size);
    at += size;
  }
  throw new RangeError('the stream has no configuration of a decoder');
}

const supported = new Map(); // the promise of isSupported, by codec and hardwareAcceleration

// isSupported reports whether this browser has a decoder for a configuration.
function isSupported(config) {
  const key = `${config.codec} ${config.hardwareAcceleration}`;
  if (!supported.has(key)) supported.set(key, VideoDecoder.isConfigSupported(config).then((answer) => answer.supported, () => false));
  return supported.get(key);
}

// decoderConfig returns {config, decoder}: what to give VideoDecoder.configure, and which kind of decoder that is, software or hardware.
// It is empty if the browser does not tell. config is null if there is no decoder.
export async function decoderConfig({ codec, description, isSmall }) {
  const base = { codec, description, optimizeForLatency: true };
  const withPreference = (hardwareAcceleration) => ({ ...base, hardwareAcceleration });
  // A page may use only a few hardware decoders, and more of them can fail without an error. Software decodes small pictures cheaply.
  const software = withPreference('prefer-software');
  const any = withPreference('no-preference');
  if (isSmall && await isSupported(software)) return { config: software, decoder: 'software' };
  if (!await isSupported(any)) return { config: null, decoder: '' };
  if (!await isSupported(withPreference('prefer-hardware'))) return { config: any, decoder: 'software' };
  return { config: any, decoder: await isSupported(software) ? '' : 'hardware' };
}
