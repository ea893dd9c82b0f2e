"""docs/prometheus.md tells each metric there is and no other, and its examples are what Prometheus reads."""

import re

import pytest
import yaml
from prometheus_client import REGISTRY
from tests.docs.pages import files_shown, page, section

from wabot.gauges import Stored, families
from wabot.metrics import exposition

PAGE = page("docs/prometheus.md")
ROW = re.compile(r"^\| `(wabot_\w+)` \| (\w+) \| (.*?) \|", re.MULTILINE)
NAME = re.compile(r"wabot_\w+")


def told(heading):
    """Name, type and labels of each metric in a section's table."""
    return {
        (name, kind, tuple(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in ROW.findall(section(PAGE, heading))
    }


def test_every_counter_and_histogram_is_explained_and_no_other():
    exposition()
    ours = [one for one in REGISTRY._collector_to_names if getattr(one, "_name", "").startswith("wabot_")]
    assert told("What is counted") == {
        (one._name + "_total" * (one._type == "counter"), one._type, one._labelnames) for one in ours
    }


def test_every_gauge_is_explained_and_no_other():
    assert told("How things stand") == {
        (one.name, one.type, tuple(one._labelnames)) for one in families(Stored(), {}, queue=True)
    }


@pytest.mark.parametrize("file", ["prometheus.yml", "wabot-rules.yml"])
def test_the_examples_are_yaml(file):
    assert yaml.safe_load(files_shown(PAGE)[file])


def test_the_alerts_ask_for_metrics_that_exist():
    [group] = yaml.safe_load(files_shown(PAGE)["wabot-rules.yml"])["groups"]
    known = {name for heading in ("What is counted", "How things stand") for name, *_ in told(heading)}
    for rule in group["rules"]:
        names = {name.removesuffix("_bucket") for name in NAME.findall(rule["expr"])}
        assert names, rule["alert"]
        assert names <= known, rule["alert"]
        assert rule["annotations"]["summary"]
