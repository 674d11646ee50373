# ruff: noqa: E501  (queries)
"""Everything about an account that can be measured without looking at any other account."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

_EVENTS = """
with e as (select *, epoch(timestamp) as s, extract(hour from timestamp) as h, date_trunc('day', timestamp) as d from '{world}/events/*/*.parquet'),
g as (select account_id, s - lag(s) over (partition by account_id order by s) as gap from e),
hours as (select account_id, h, count(*) as n from e group by all),
days as (select account_id, d, count(*) as n from e group by all),
heads as (select account_id, substr(prompt, 1, 40) as head, count(*) as n from e group by all),
ips as (select account_id, ip, count(*) as n from e group by all),
spread as (select account_id, entropy_of.x as hours_entropy from (
    select account_id, -sum(p * ln(p)) as x from (
        select account_id, n / sum(n) over (partition by account_id) as p from hours) group by 1) entropy_of),
gaps as (select account_id, median(gap) as gap_median, quantile_cont(gap, 0.1) as gap_low, quantile_cont(gap, 0.9) as gap_high from g group by 1),
daily as (select account_id, max(n) as day_most, median(n) as day_median, coalesce(stddev_pop(n), 0) / avg(n) as day_variation from days group by 1),
head as (select account_id, count(*) as n_heads, max(n) / sum(n) as head_share from heads group by 1),
addresses as (select account_id, max(n) / sum(n) as ip_share from ips group by 1)
select e.account_id, count(*) as volume, count(distinct d) as active_days, count(*) / count(distinct d) as volume_a_day,
    avg(input_tokens) as tokens_in, avg(output_tokens) as tokens_out, stddev_pop(output_tokens) as tokens_out_spread,
    count(distinct ip) as n_ips, count(distinct ip) / count(*) as ips_a_request, count(distinct device_id) as n_devices,
    count(distinct user_agent) as n_clients, count(distinct model) as n_models, avg(length(prompt)) as prompt_length,
    coalesce(stddev_pop(length(prompt)), 0) as prompt_spread, avg((h < 6)::int) as night_share, avg((extract(dow from timestamp) in (0, 6))::int) as weekend_share,
    avg((ip like '%:%')::int) as ipv6_share, avg((device_id is null)::int) as no_device, min(s) as first_seen, max(s) as last_seen, max(s) - min(s) as span,
    avg((user_agent like '%relay%')::int) as relay_client, avg((user_agent like '%client%')::int) as plain_client, avg((user_agent like 'web%')::int) as web_client,
    avg((prompt ilike '%step%' or prompt ilike '%reasoning%' or prompt ilike '%razonamiento%' or prompt like '%思考%')::int) as asks_steps,
    avg((prompt like '# Quill%' or prompt like '<harbor%' or prompt like 'SYSTEM NOTE%')::int) as agent_share,
    avg((strlen(prompt) > length(prompt) * 1.5)::int) as other_script,
    any_value(hours_entropy) as hours_entropy, any_value(gap_median) as gap_median, any_value(gap_low) as gap_low, any_value(gap_high) as gap_high,
    any_value(day_most) as day_most, any_value(day_median) as day_median, any_value(day_variation) as day_variation,
    any_value(n_heads) as n_heads, any_value(n_heads) / count(*) as heads_a_request, any_value(head_share) as head_share, any_value(ip_share) as ip_share
from e join spread using (account_id) join gaps using (account_id) join daily using (account_id) join head using (account_id)
    join addresses using (account_id) group by 1
"""
_ACCOUNTS = """
select a.account_id, epoch(a.created_at) as created, a.status = 'suspended' as suspended, a.status = 'closed' as closed, a.plan = 'free' as free_plan,
    a.plan = 'team' as team_plan, hash(a.country) % 97 as country, a.organization is not null as has_organization,
    a.email_domain like 'mail-_.example' as public_mail, coalesce(p.n, 0) as n_payments, coalesce(p.cards, 0) as n_cards,
    p.first as first_payment, p.last as last_payment, ascii(substr(a.account_id, 6, 1)) as id_letter, row_number() over () as place, t.ring_id is not null as guilty
from '{world}/accounts.parquet' a join '{world}/truth.parquet' t using (account_id) left join (
    select account_id, count(*) as n, count(distinct payment_fingerprint) as cards, epoch(min(timestamp)) as first, epoch(max(timestamp)) as last
    from '{world}/payments.parquet' group by 1) p using (account_id)
"""


def features(world: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """One row an account that sent anything, and whether it is guilty."""
    with duckdb.connect() as connection:
        connection.execute("set threads = 2")
        events = connection.sql(_EVENTS.format(world=world)).df()
        accounts = connection.sql(_ACCOUNTS.format(world=world)).df()
    joined = accounts.merge(events, on="account_id").sort_values("account_id")
    joined["age_at_first"] = joined.first_seen - joined.created
    guilty = joined.pop("guilty").to_numpy(dtype=bool)
    return joined.drop(columns="account_id").astype(float), guilty


def auc(values: np.ndarray, guilty: np.ndarray) -> float:
    """Area under the ROC curve of one feature, whichever way it points."""
    from sklearn.metrics import roc_auc_score

    area = float(roc_auc_score(guilty, np.nan_to_num(values, nan=-1.0)))
    return max(area, 1 - area)


def learned_auc(train: tuple[pd.DataFrame, np.ndarray], test: tuple[pd.DataFrame, np.ndarray]) -> float:
    """Area under the ROC curve on one world of gradient-boosted trees that were trained on others."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.06, max_leaf_nodes=15, l2_regularization=1.0, random_state=0
    )
    with threadpool_limits(limits=1):  # on a busy machine waiting threads cost more than they give
        model.fit(train[0], train[1])
        return float(roc_auc_score(test[1], model.predict_proba(test[0])[:, 1]))
