"""Jobs as a plugin declares them: what cannot be is told to its author."""

import pytest

from wabot.parts import Job
from wabot.plugins import declared
from wabot.plugins.declared import PluginFault

FAXINA = """
import msgspec
from wabot import Job, Secret, hookimpl

class Faxina(msgspec.Struct, frozen=True):
    {field}

async def varrer(ctx):
    pass

@hookimpl
def wabot_jobs():
    return [Job("varrer", varrer, "0 3 * * *", arguments={arguments})]
"""


def declares(kit, field="dias: int = 1", arguments="Faxina"):
    kit.install("faxina", FAXINA.format(field=field, arguments=arguments))
    return declared.load("faxina", "wabot_faxina")


def test_arguments_are_a_struct_that_can_be_made_from_nothing(kit):
    [job] = declares(kit).jobs
    assert job.arguments().dias == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"field": "dias: int"}, "todo campo precisa de um padrão; falta em dias"),
        ({"field": "chave: Secret = ''"}, "não são cifrados: ponha chave na configuração"),
        ({"arguments": "dict"}, "não é um msgspec.Struct"),
    ],
)
def test_other_arguments_are_refused(kit, wrong, told):
    with pytest.raises(PluginFault, match=told):
        declares(kit, **wrong)


async def nothing(ctx):
    pass


def test_a_job_runs_or_skips_what_it_missed_and_does_nothing_else():
    with pytest.raises(ValueError, match="missed is run or skip"):
        Job("varrer", nothing, "0 3 * * *", missed="twice")
