"""The analysts' workspace: reads finished runs, writes decisions, nothing else. Analysts decide, it proposes."""
