-- The history as goose 3.17.0 has made it with PostgreSQL 15, in the words of pg_dump.
CREATE TABLE public.goose_db_version (
    id integer NOT NULL,
    version_id bigint NOT NULL,
    is_applied boolean NOT NULL,
    tstamp timestamp without time zone DEFAULT now()
);
CREATE SEQUENCE public.goose_db_version_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.goose_db_version_id_seq OWNED BY public.goose_db_version.id;
ALTER TABLE ONLY public.goose_db_version ALTER COLUMN id SET DEFAULT nextval('public.goose_db_version_id_seq'::regclass);
INSERT INTO public.goose_db_version VALUES (1, 0, true, '2026-11-28 04:00:08.24041');
INSERT INTO public.goose_db_version VALUES (2, 1, true, '2026-11-28 04:00:08.247875');
INSERT INTO public.goose_db_version VALUES (3, 2, true, '2026-11-28 04:00:08.248858');
ALTER TABLE ONLY public.goose_db_version
    ADD CONSTRAINT goose_db_version_pkey PRIMARY KEY (id);
