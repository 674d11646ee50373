# The commands of docs/tutorial.md, in order; `make docs` cuts the pages from here and tests/test_tutorial.py runs it.
# A line "# [name]" begins a piece.

# [simulate]
ringtrace simulate small --scale 0.5 --seed 7 --format csv --to world

# [look]
ls world
head -3 world/payments.csv

# [validate]
ringtrace validate world

# [run]
ringtrace run world --output output

# [rings]
python - <<'END'
import pipeline

for ring in pipeline.load_run("output/latest"):
    print(ring.ring_id, f"{ring.row['score']:.2f}", ring.row["kind"], ring.row["reason"])
END
ringtrace export output/latest --format csv --table rings --to rings.csv

# [explain]
ring=$(python -c "import pipeline; print(next(iter(pipeline.load_run('output/latest'))).ring_id)")
ringtrace explain output/latest "$ring"

# [account]
account=$(python -c "import pipeline; print(next(iter(pipeline.load_run('output/latest'))).members['account_id'].iloc[0])")
ringtrace explain output/latest "$account"

# [evaluate]
ringtrace evaluate output/latest --truth world/truth.csv

# [settings]
cat > settings.toml <<'END'
[scores]
threshold = 0.8

[link_types.device_id]
table = "events"
column = "device_id"
family = "device"
END
ringtrace run world --settings settings.toml --output output --previous none

# [brief]
ringtrace brief output/latest --to briefing
ls briefing
