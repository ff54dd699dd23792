#!/usr/bin/env bash
# Installs the independent programs that judge meterworks, and the tools the demo and benches use (Debian packages).
# They are optional: without them `make test` lists what it skipped. CI calls this first and then allows no skip.
set -euo pipefail
packages=(mbpoll libmodbus-dev python3-pymodbus python3-serial python3-serial-asyncio socat tshark mosquitto mosquitto-clients postgresql openssl tmux util-linux pkg-config build-essential)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "peers: all ${#packages[@]} packages are installed"
  exit 0
fi
sudo=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "peers: run as root: apt-get install ${missing[*]}" >&2; exit 1; }
  sudo=(sudo)
fi
"${sudo[@]}" apt-get update -qq
# --no-install-recommends: a Mosquitto or tshark on a developer's machine must not bring a desktop along.
DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
echo "peers: installed ${missing[*]}"
