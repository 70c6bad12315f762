-- delivery_effect: what the answer to a delivery means, as the function of its kind says. All null: it is settled. Not
-- stored.
create type perdure.delivery_effect as (
    problem text,  -- why it failed; tried again as long as there are attempts left
    again_at timestamptz,  -- with or without a problem: to be sent again then, as often as the kind wants it
    response json  -- to keep with the delivery, for people
);
comment on type perdure.delivery_effect is 'What the answer to a delivery means.';
