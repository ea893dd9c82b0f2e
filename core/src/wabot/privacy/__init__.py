"""Personal data (LGPD): everything held about one person, handed over or erased when the person asks."""
