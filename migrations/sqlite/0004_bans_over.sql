-- Bans that have run out are removed with every new one.
CREATE INDEX bans_over ON bans (until_ms);
