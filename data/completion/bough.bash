# Completion of bough for bash. Generated from src/cli/commands.c by tools/gen-docs.

_bough_names() {
  command bough "$1" list --quiet 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_bough() {
  local current=${COMP_WORDS[COMP_CWORD]} choices='' flags='' names='' common='--json --server --token-file --project --quiet --help --version '
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then choices='pool project branch endpoint migrate schedule principal policy pr ci scm promotion operation up down status doctor url psql diff audit init promote rollback help'
  elif [ "$COMP_CWORD" -eq 2 ]; then
    case ${COMP_WORDS[1]} in
    pool) choices='create status ' ;;
    project) choices='create list show delete forge ' ;;
    branch) choices='create list tree show delete reset rename expire protect unprotect ' ;;
    endpoint) choices='list show start suspend repoint ' ;;
    migrate) choices='new status apply tool verify rollback lint ' ;;
    schedule) choices='list run ' ;;
    principal) choices='add list remove token revoke ' ;;
    policy) choices='check apply show history explain ' ;;
    pr) choices='list show open review comment close ' ;;
    ci) choices='run list show queue log artifact tidy ' ;;
    scm) choices='claim prepare-pr wait-ci merge withdraw abandon status doctor adopt sync password ' ;;
    promotion) choices='list ' ;;
    operation) choices='list ' ;;
    esac
  fi
  for command in "${COMP_WORDS[1]} ${COMP_WORDS[2]}" "${COMP_WORDS[1]}"; do
    case $command in
    'up') flags='--pool-size --postgres --port --http-port '; names= ;;
    'down') flags='--keep-computes '; names= ;;
    'status') flags=''; names= ;;
    'doctor') flags=''; names= ;;
    'pool create') flags='--path --device --image --size --quota '; names= ;;
    'pool status') flags=''; names= ;;
    'project create') flags='--sample --scale --from --method --sql --trust --empty --root '; names= ;;
    'project list') flags=''; names= ;;
    'project show') flags=''; names=project ;;
    'project delete') flags=''; names=project ;;
    'project forge') flags='--local --github --host --person '; names= ;;
    'branch create') flags='--parent --kind --ttl --start '; names= ;;
    'branch list') flags=''; names= ;;
    'branch tree') flags=''; names= ;;
    'branch show') flags=''; names=branch ;;
    'branch delete') flags='--recursive '; names=branch ;;
    'branch reset') flags=''; names=branch ;;
    'branch rename') flags=''; names=branch ;;
    'branch expire') flags='--ttl --never '; names=branch ;;
    'branch protect') flags=''; names=branch ;;
    'branch unprotect') flags=''; names=branch ;;
    'url') flags='--with-password '; names=branch ;;
    'psql') flags=''; names=branch ;;
    'diff') flags='--against --database --format --concurrently --full '; names=branch ;;
    'endpoint list') flags=''; names= ;;
    'endpoint show') flags=''; names=branch ;;
    'endpoint start') flags=''; names=branch ;;
    'endpoint suspend') flags=''; names=branch ;;
    'endpoint repoint') flags='--to --grace '; names=branch ;;
    'migrate new') flags='--dir '; names= ;;
    'migrate status') flags='--dir --layout --database '; names=branch ;;
    'migrate apply') flags='--dir --layout --database --to --accept --baseline --lock-timeout --attempts '; names=branch ;;
    'migrate tool') flags='--database '; names=branch ;;
    'migrate verify') flags='--dir --layout --database --to --under-load --accept '; names=branch ;;
    'migrate rollback') flags='--dir --layout --database --to --lock-timeout --attempts '; names=branch ;;
    'schedule list') flags=''; names= ;;
    'schedule run') flags=''; names=tier ;;
    'migrate lint') flags='--branch --database --dir --layout --all --idempotent --brief --rules '; names= ;;
    'principal add') flags='--type --role --for '; names=principal ;;
    'principal list') flags=''; names= ;;
    'principal remove') flags=''; names=principal ;;
    'principal token') flags='--ttl '; names=principal ;;
    'principal revoke') flags=''; names=principal ;;
    'ci run') flags='--pull --from --to --here '; names= ;;
    'ci list') flags='--pull '; names= ;;
    'ci show') flags=''; names= ;;
    'ci queue') flags=''; names= ;;
    'ci log') flags='--follow '; names= ;;
    'ci artifact') flags=''; names= ;;
    'ci tidy') flags=''; names= ;;
    'pr list') flags='--all '; names= ;;
    'pr show') flags=''; names= ;;
    'pr open') flags='--base --title --message '; names= ;;
    'pr review') flags='--approve --request-changes --comment --head --message '; names= ;;
    'pr comment') flags='--message '; names= ;;
    'pr close') flags=''; names= ;;
    'policy check') flags=''; names= ;;
    'policy apply') flags='--yes '; names= ;;
    'policy show') flags='--revision --effective '; names= ;;
    'policy history') flags=''; names= ;;
    'policy explain') flags='--kind --to '; names=principal ;;
    'audit') flags='--since --principal --branch --action --refused --limit --follow '; names= ;;
    'audit verify') flags='--anchor '; names= ;;
    'init') flags=''; names= ;;
    'scm claim') flags='--kind --parent '; names=feature ;;
    'scm prepare-pr') flags='--title --body --force '; names=feature ;;
    'scm wait-ci') flags='--timeout '; names=feature ;;
    'scm merge') flags='--no-wait --timeout '; names=feature ;;
    'scm withdraw') flags=''; names=feature ;;
    'scm abandon') flags='--force '; names=feature ;;
    'scm status') flags=''; names= ;;
    'scm doctor') flags='--fix '; names= ;;
    'scm adopt') flags=''; names= ;;
    'scm sync') flags=''; names= ;;
    'scm password') flags=''; names= ;;
    'promote') flags='--to --approve --dry-run '; names=tier ;;
    'promotion list') flags=''; names= ;;
    'rollback') flags='--to --dry-run --yes '; names=tier ;;
    'operation list') flags=''; names= ;;
    *) continue ;;
    esac
    break
  done
  case $current in
    -*) choices="$flags$common" ;;
    *) if [ -z "$choices" ] && [ -n "$names" ]; then choices=$(_bough_names "$names"); fi ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
  if [ -z "$choices" ]; then mapfile -t COMPREPLY < <(compgen -f -- "$current"); fi
}
complete -F _bough bough
