--
-- PostgreSQL database dump
--

\restrict kHsvXw1NYd0bFmzQ

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE FUNCTION public.dump_touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  new.name := new.name || ';';
  return new;
end
$$;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE public.dump_t (
    id integer NOT NULL,
    name text DEFAULT ';'::text,
    data bytea
);

CREATE SEQUENCE public.dump_t_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.dump_t_id_seq OWNED BY public.dump_t.id;

ALTER TABLE ONLY public.dump_t ALTER COLUMN id SET DEFAULT nextval('public.dump_t_id_seq'::regclass);

COPY public.dump_t (id, name, data) FROM stdin;
1	a\tb	\\x00ff
2	\N	\N
3	it's \\. -- $$	\\x
\.


SELECT pg_catalog.setval('public.dump_t_id_seq', 3, true);

ALTER TABLE ONLY public.dump_t
    ADD CONSTRAINT dump_t_pkey PRIMARY KEY (id);

CREATE TRIGGER touch BEFORE UPDATE ON public.dump_t FOR EACH ROW EXECUTE FUNCTION public.dump_touch();

--
-- PostgreSQL database dump complete
--

\unrestrict kHsvXw1NYd0bFmzQ

