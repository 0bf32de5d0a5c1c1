/** The program `qupskd`. Everything it does is in cli/ and below. */
import { main } from './cli/program.ts';

void main(process.argv);
