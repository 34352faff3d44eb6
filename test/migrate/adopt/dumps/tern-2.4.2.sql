-- The history as tern 2.4.2 has made it with PostgreSQL 15, in the words of pg_dump.
CREATE TABLE public.schema_version (
    version integer NOT NULL
);
INSERT INTO public.schema_version VALUES (2);
ALTER TABLE ONLY public.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (version);
