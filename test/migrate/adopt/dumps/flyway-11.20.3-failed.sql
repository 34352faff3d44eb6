-- What Flyway 11.20.3 has recorded of a file that failed outside of a transaction. It does so only where
-- flyway.postgresql.transactional.lock is false: by default the row is rolled back together with its lock.
INSERT INTO public.flyway_schema_history VALUES (1, '1.1', 'first', 'SQL', 'V1_1__first.sql', -1437159371, 'postgres', '2026-11-28 04:20:07.519668', 3, true);
INSERT INTO public.flyway_schema_history VALUES (2, '1.2', 'second', 'SQL', 'V1_2__second.sql', -803873319, 'postgres', '2026-11-28 04:20:07.552438', 11, false);
