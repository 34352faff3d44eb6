-- What flyway baseline of Flyway 11.20.3 has put into an empty history.
INSERT INTO public.flyway_schema_history VALUES (1, '1.2', '<< Flyway Baseline >>', 'BASELINE', '<< Flyway Baseline >>', NULL, 'postgres', '2026-11-28 04:08:45.989144', 0, true);
