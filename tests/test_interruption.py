import os
import signal

import pytest

from benchmark.interruption import SIGNALS, heeded_between_steps


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_for_the_end_of_the_step(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    done = []
    with pytest.raises(KeyboardInterrupt), heeded_between_steps() as heed:
        heed()
        os.kill(os.getpid(), number)
        done.append("the rest of the step")
        heed()
    assert done == ["the rest of the step"]
    assert signal.getsignal(number) == before
