"""One file per command group."""

import gc
import signal
import sys

# Importing the commands takes seconds, in which SIGHUP would end the process: nothing has been read that could be read
# again. Whichever way the command was started, this comes before that. Other commands end when their terminal does.
if sys.argv[1:2] == ["serve"]:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    # What is made until it serves stays: to look through it again and again for what does not is a tenth of the time.
    gc.disable()
