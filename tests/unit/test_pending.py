"""Which migrations the core has: told by the names of their files, and the same as Piccolo reads in them."""

from wabot.db.migrate import migrations_of
from wabot.db.pending import of_core
from wabot.db.piccolo_app import APP_CONFIG


def test_the_name_of_a_migration_s_file_tells_its_id():
    assert of_core() == sorted(migrations_of(APP_CONFIG))
