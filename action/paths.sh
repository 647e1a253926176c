# Paths on a Windows runner: Git Bash, which runs these scripts, writes them otherwise than every other program.

# As other programs read it.
native() { if command -v cygpath >/dev/null; then cygpath -m "$1"; else printf '%s\n' "$1"; fi; }
# As this shell reads it.
shellwise() { if command -v cygpath >/dev/null; then cygpath -u "$1"; else printf '%s\n' "$1"; fi; }
