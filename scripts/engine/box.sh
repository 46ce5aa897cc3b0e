# The first process of a box, in namespaces that `unshare` has just made: sets them up, says `ready PID`, and stays.
# Usage: sh box.sh FOLDER NETWORK HIDDEN_FOLDER…
set -eu
folder=$1 network=$2
shift 2
# This is still the machine's own /proc, which knows this process by the machine's number.
read -r pid _ </proc/self/stat
mount -t proc proc /proc

# Control groups as seen from here: this box's own group is the root.
grep -E ' cgroup2? ' /proc/self/mounts | while read -r _ point type options _; do
  case $point in /sys/fs/cgroup*) ;; *) continue ;; esac
  umount "$point"
  kept=$(echo "$options" | tr , '\n' | grep -vE '^(rw|ro|relatime|nosuid|nodev|noexec)$' | paste -sd, - || true)
  mount -t "$type" ${kept:+-o "$kept"} cgroup "$point"
  if [ "$type" = cgroup2 ]; then
    # Here a group has either processes or groups with controllers.
    mkdir "$point/first"
    while read -r each; do echo "$each" >"$point/first/cgroup.procs" 2>&- || true; done <"$point/cgroup.procs"
    for each in $(cat "$point/cgroup.controllers"); do echo "+$each" >"$point/cgroup.subtree_control" || true; done
  fi
done

# Settings of the whole kernel can't be changed from here; those of the network are this namespace's own.
mount --bind /proc/sys /proc/sys
[ "$network" = machine ] || mount --bind /proc/sys/net /proc/sys/net
mount -o bind,remount,ro /proc/sys
# Some that engines and kubelets insist on writing: they write into plain files.
mkdir "$folder/sysctl"
for name in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  [ -e "/proc/sys/$name" ] || continue
  file=$folder/sysctl/$(echo "$name" | tr / _)
  cat "/proc/sys/$name" >"$file"
  mount --bind "$file" "/proc/sys/$name"
done

# What programs leave in the machine's folders is left in memory. A resolver's settings may lie in one of them.
cat /etc/resolv.conf >"$folder/resolv.conf" 2>&- || true
# One that the machine has not is made inside: its parent becomes a folder in memory that shows what it showed.
make_inside() {
  parent=$(dirname "$1") below=$folder/below
  [ -d "$parent" ] || return 0
  mkdir -p "$below"
  mount --rbind "$parent" "$below"
  mount -t tmpfs -o mode=755 tmpfs "$parent"
  for old in "$below"/* "$below"/.[!.]*; do
    new=$parent/$(basename "$old")
    if [ -L "$old" ]; then cp -P "$old" "$new"
    elif [ -d "$old" ]; then mkdir "$new" && mount --rbind "$old" "$new"
    elif [ -e "$old" ]; then : >"$new" && mount --bind "$old" "$new"
    fi
  done
  umount -l "$below"
  mkdir "$1"
}
for each; do
  [ -d "$each" ] || make_inside "$each"
  [ ! -d "$each" ] || mount -t tmpfs -o mode=755 tmpfs "$each"
done
if [ "$network" = machine ] && [ -L /etc/resolv.conf ]; then
  mkdir -p "$(dirname "$(readlink -m /etc/resolv.conf)")"
  cp "$folder/resolv.conf" "$(readlink -m /etc/resolv.conf)" 2>&- || true
fi

ip link set lo up 2>&- || true
# Engines hand mounts on to their containers; outside of this namespace nobody sees them.
mount --make-rshared /
echo "ready $pid"
exec >&- 2>&-
# Orphans are this process's now; with SIGCHLD ignored the kernel buries them.
trap '' CHLD
exec sleep infinity
