"""`/admin/`: Piccolo Admin for superusers. Its own sign-in, sessions and CSRF check give way to the panel's."""
