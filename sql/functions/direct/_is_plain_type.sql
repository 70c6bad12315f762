-- _is_plain_type: may a value of this type become JSON in the usual way? Not if its owner could have made a cast to
-- json, which Postgres would call: our trigger runs as perdure_owner, and must call nothing that others wrote. What
-- belongs to a superuser, as the built-in types and those of extensions do, is safe.
-- Called by  _row_expression.
create or replace function perdure._is_plain_type(p_type oid)
returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_kind "char";
    v_inner oid;
    v_is_trusted boolean;
begin
    if p_type < 16384 then  -- made by initdb
        return true;
    end if;
    select
        t.typtype,
        case when t.typtype = 'd' then t.typbasetype when t.typcategory = 'A' then nullif(t.typelem, 0) end,
        r.rolsuper
    into v_kind, v_inner, v_is_trusted
    from pg_type as t
    inner join pg_roles as r on r.oid = t.typowner
    where t.oid = p_type;
    return case
        when v_inner is not null then perdure._is_plain_type(v_inner)
        else v_is_trusted and v_kind <> 'c'
    end;
end;
$$;
comment on function perdure._is_plain_type(oid) is 'May a value of this type become JSON in the usual way?';
