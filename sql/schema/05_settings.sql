-- settings: what the engine must know of the installation, such as the public origin of the server.
-- Written only by set_setting.
create table perdure.settings (
    name text primary key,
    value text not null,
    updated_at timestamptz not null,
    constraint settings_name_known check (name in ('public_url'))
);
comment on table perdure.settings is 'Settings of this installation, by name.';
