-- The history as Flyway 11.20.3 has made it with PostgreSQL 15, in the words of pg_dump.
CREATE TABLE public.flyway_schema_history (
    installed_rank integer NOT NULL,
    version character varying(50),
    description character varying(200) NOT NULL,
    type character varying(20) NOT NULL,
    script character varying(1000) NOT NULL,
    checksum integer,
    installed_by character varying(100) NOT NULL,
    installed_on timestamp without time zone DEFAULT now() NOT NULL,
    execution_time integer NOT NULL,
    success boolean NOT NULL
);
INSERT INTO public.flyway_schema_history VALUES (1, '1.1', 'first', 'SQL', 'V1_1__first.sql', -1437159371, 'postgres', '2026-11-28 04:08:42.271387', 8, true);
INSERT INTO public.flyway_schema_history VALUES (2, '1.2', 'second', 'SQL', 'V1_2__second.sql', 867489332, 'postgres', '2026-11-28 04:08:42.335301', 5, true);
INSERT INTO public.flyway_schema_history VALUES (3, '1.02.1', 'bom', 'SQL', 'V1_02_1__bom.sql', 691320285, 'postgres', '2026-11-28 04:08:42.352756', 3, true);
INSERT INTO public.flyway_schema_history VALUES (4, '1.2.2', 'cr', 'SQL', 'V1.2.2__cr.sql', -2074911791, 'postgres', '2026-11-28 04:08:42.364942', 4, true);
INSERT INTO public.flyway_schema_history VALUES (5, NULL, 'holder', 'SQL', 'R__holder.sql', -1833367202, 'postgres', '2026-11-28 04:08:42.385646', 9, true);
INSERT INTO public.flyway_schema_history VALUES (6, NULL, 'view', 'SQL', 'R__view.sql', 788918574, 'postgres', '2026-11-28 04:08:42.41926', 3, true);
ALTER TABLE ONLY public.flyway_schema_history
    ADD CONSTRAINT flyway_schema_history_pk PRIMARY KEY (installed_rank);
CREATE INDEX flyway_schema_history_s_idx ON public.flyway_schema_history USING btree (success);
