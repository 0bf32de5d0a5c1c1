// Loaded into each daemon with --require: puts the monotonic clock, in nanoseconds, in front of every
// line as the daemon writes it. Clocks of all processes of a machine agree.
//
// Lines go out together a while after the first, so that their reader does not take the processor
// from the rotation that they are about.
const HOLD_MS = 25;

const write = process.stdout.write.bind(process.stdout);
let held = '';
const flush = () => {
  const text = held;
  held = '';
  write(text);
};
process.stdout.write = (chunk, ...rest) => {
  if (chunk.length > 0) {
    if (held === '') setTimeout(flush, HOLD_MS);
    held += `${process.hrtime.bigint()} ${chunk}`;
  }
  return write('', ...rest);
};
process.on('exit', flush);
