"""Strings of people who wish whoever reads them ill. Each holds a mark that must never run, act or leave its cell."""

PAYLOADS: tuple[str, ...] = (
    "<script>window.__ran=1</script>",
    '"><img src=x onerror=window.__ran=1>',
    "<svg/onload=window.__ran=1>",
    "</textarea></script><script>window.__ran=1</script>",
    "javascript:window.__ran=1",
    '=HYPERLINK("http://evil.invalid","x")',
    "+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "\x1b[31mred\x1b]0;title\x07",
    "safe\u202egnp.exe\u2066 hidden\u2069",
    "{{7*7}}${7*7}<%= 7*7 %>{% raw %}",
    "' OR 1=1; DROP TABLE decisions; --",
    "A" * 400,
    "line\nbreak\r\n\ttab",
    "$\\frac{x}{y}$ \\input{/etc/passwd} #set page(width: 0pt)",
    "<style>*{display:none}</style>",
    "</td></tr></table><h1>out</h1>",
    "\u200bzero\u200d\ufeffwidth",
    "&lt;b&gt;&#x3c;script&#x3e;",
)
