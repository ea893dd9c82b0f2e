"""Web processes behind one port: whichever is asked for metrics tells the counts of all of them."""

import os
import subprocess
import sys

from prometheus_client.parser import text_string_to_metric_families

COUNTS = (
    "from wabot.metrics import WEBHOOKS, exposition; WEBHOOKS.labels(200).inc(); print(exposition().decode())"
)


def told(folder):
    """What a process that has counted one webhook tells."""
    text = subprocess.run(
        [sys.executable, "-c", COUNTS],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    families = {family.name: family for family in text_string_to_metric_families(text)}
    return families["wabot_webhooks"].samples[0].value


def test_the_second_process_tells_also_what_the_first_has_counted(tmp_path):
    assert [told(tmp_path), told(tmp_path)] == [1, 2]
