package events

import (
	"net/netip"
	"slices"
	"strings"
)

// names knows which virtual machine has which name, and what are hosts: what one event tells serves the others. Its keys are in lower
// case.
type names struct {
	ofID     map[string]string   // the first name of a GUID
	firstID  map[string]string   // of a name
	lastID   map[string]string   // the same, as far as the records were resolved
	nameless map[string]struct{} // the names of machines of which no event with that name tells the GUID
	hosts    map[string]struct{}
	// prefixes are what the cluster of this host writes before the name of a machine in that of its resource.
	prefixes []string
	computer string // the last that was learned: most events tell the same
}

// newNames learns from records: from those of the cluster, which name resources, only what no other tells.
func newNames(records []*record) *names {
	n := &names{
		ofID: map[string]string{}, firstID: map[string]string{}, lastID: map[string]string{},
		nameless: map[string]struct{}{}, hosts: map[string]struct{}{},
	}
	var unsure, cluster []*record
	for _, r := range records {
		n.learnHosts(r)
		if len(r.parts) > 0 {
			unsure = append(unsure, r)
		}
		switch {
		case r.vm == "":
		case r.key.ofCluster():
			cluster = append(cluster, r)
		default:
			n.learn(r, r.vm)
		}
	}
	for _, r := range cluster {
		n.learnPrefix(r)
	}
	for _, r := range cluster {
		n.learn(r, n.machineOf(r.vm))
	}
	n.placeAll(unsure)
	for _, r := range records {
		if r.id != "" && r.guess != "" {
			n.learnGuess(r)
		}
	}
	return n
}

// learn takes name as that of the machine of r.
func (n *names) learn(r *record, name string) {
	lower := strings.ToLower(name)
	if r.id == "" {
		n.nameless[lower] = struct{}{}
		return
	}
	if n.ofID[r.id] == "" {
		n.ofID[r.id] = name
	}
	if n.firstID[lower] == "" {
		n.firstID[lower] = r.id
	}
}

// learnGuess takes what stands in a text of unknown words beside the GUID of a machine: all that is quoted there, unless it is a host, or
// of several pieces the one that others know as a machine of which they do not tell the GUID.
func (n *names) learnGuess(r *record) {
	name := strings.ToLower(r.guess)
	if len(r.pieces) > 1 {
		if i := n.machineAt(r); i >= 0 {
			n.learn(r, r.pieces[i])
		}
		return
	}
	if n.firstID[name] == "" && !n.isHost(name) {
		n.firstID[name] = r.id
	}
}

// learnHosts takes the names of hosts that r tells.
func (n *names) learnHosts(r *record) {
	n.learnHost(r.source)
	n.learnHost(r.destination)
	if r.Computer != n.computer {
		n.computer = r.Computer
		n.learnHost(clip(r.Computer, longestName))
	}
}

// learnHost takes the name of a host: both with its domain, and without.
func (n *names) learnHost(name string) {
	if name == "" {
		return
	}
	name = strings.ToLower(name)
	n.hosts[name] = struct{}{}
	n.hosts[firstLabel(name)] = struct{}{}
}

// isHost reports whether name is that of a host that events told.
func (n *names) isHost(name string) bool {
	name = strings.ToLower(name)
	_, whole := n.hosts[name]
	_, label := n.hosts[firstLabel(name)]
	return whole || label
}

// firstLabel returns the name of a host without its domain; an address as it is.
func firstLabel(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	label, _, _ := strings.Cut(host, ".")
	return label
}

// maxPrefixes bounds what is learned of how resources are called: Windows has two kinds of them, each in the language of the cluster.
const maxPrefixes = 8

// learnPrefix learns how resources are called from one whose machine is known: by what the text says itself, or by its GUID.
func (n *names) learnPrefix(r *record) {
	prefix := r.prefix
	if name := n.ofID[r.id]; prefix == "" && r.id != "" && name != "" && r.key.provider == haProvider {
		prefix = r.vm[:max(len(r.vm)-len(name), 0)]
		if !strings.HasSuffix(prefix, " ") || !strings.EqualFold(r.vm[len(prefix):], name) {
			return
		}
	}
	if prefix != "" && len(n.prefixes) < maxPrefixes && !slices.Contains(n.prefixes, prefix) {
		n.prefixes = append(n.prefixes, prefix)
	}
}

// resolve gives r the GUID of its machine, if another event tells that, and the machine's own name in place of a resource's. The records
// come in the order of time: of several machines of one name, the last is meant.
func (n *names) resolve(r *record) {
	if r.vm == "" && r.id == "" && len(r.parts) == 0 {
		r.vm = n.guessed(r)
	}
	if r.vm == "" {
		return
	}
	name, known := n.known(r.vm, r.key.ofCluster())
	if r.key.ofCluster() {
		r.vm = name
	}
	lower := strings.ToLower(name)
	switch {
	case r.id != "":
		n.lastID[lower] = r.id
	case known:
		r.id = n.firstID[lower]
		if last := n.lastID[lower]; last != "" {
			r.id = last
		}
	}
}

// guessed returns the machine that a text of unknown words names; "" if there is none that others know.
func (n *names) guessed(r *record) string {
	if r.guess == "" {
		return ""
	}
	if name, ok := n.known(r.guess, r.key.ofCluster()); ok {
		return name
	}
	for _, piece := range r.pieces {
		if name, ok := n.known(piece, r.key.ofCluster()); ok && !n.isHost(name) {
			return name
		}
	}
	return ""
}

// known looks name up. That of a resource of the cluster is first taken as it is, then as that of its machine, which is returned.
func (n *names) known(name string, resource bool) (vm string, ok bool) {
	if n.firstID[strings.ToLower(name)] != "" {
		return name, true
	}
	if !resource {
		return name, false
	}
	vm = n.machineOf(name)
	return vm, vm != name && n.firstID[strings.ToLower(vm)] != ""
}

// isMachine reports whether piece names a machine that another event names, and no host.
func (n *names) isMachine(piece string, resource bool) bool {
	vm, ok := n.known(piece, resource)
	if !ok {
		_, ok = n.nameless[strings.ToLower(vm)]
	}
	return ok && !n.isHost(vm)
}

// machineOf returns the name of the machine of a resource: what stands behind words that are known to stand before it.
func (n *names) machineOf(resource string) string {
	if name := machineOf(resource); name != resource {
		return name
	}
	for _, prefix := range n.prefixes {
		if name, ok := strings.CutPrefix(resource, prefix); ok && name != "" {
			return name
		}
	}
	return resource
}

// machineOf returns the name of the machine of a resource, as clusters write it in English, and in German.
func machineOf(resource string) string {
	for _, prefix := range [...]string{"Virtual Machine Configuration ", "Virtual Machine ", "Virtueller Computer "} {
		if name, ok := strings.CutPrefix(resource, prefix); ok && name != "" {
			return name
		}
	}
	return resource
}

// placeAll finds out what the pieces of texts are whose order does not tell. What one text tells then may tell what is in another.
func (n *names) placeAll(unsure []*record) {
	const rounds = 2
	for range rounds {
		unsure = slices.DeleteFunc(unsure, n.place)
	}
	for _, r := range unsure {
		// The GUID says which machine it is, better than a name that may be that of a host.
		if r.id == "" || !slices.Contains(r.parts, partVM) {
			r.setAll(r.parts, r.pieces)
			n.learnPlaced(r)
		}
	}
}

// place finds out what the pieces of r are. It reports whether the other events tell enough for that.
func (n *names) place(r *record) bool {
	vm, host := -1, -1
	if slices.Contains(r.parts, partVM) {
		vm = n.machineAt(r)
	}
	if len(r.parts) > 1 || vm < 0 {
		host = n.hostAt(r, vm)
	}
	if vm < 0 && host >= 0 && len(r.parts) == 2 && len(r.pieces) == 2 {
		vm = 1 - host
	}
	if vm < 0 && host < 0 {
		return false
	}
	for _, p := range r.parts {
		switch {
		case p == partVM && vm >= 0:
			r.set(p, r.pieces[vm])
		case p != partVM && host >= 0:
			r.set(p, r.pieces[host])
		}
	}
	n.learnPlaced(r)
	return true
}

// learnPlaced learns from r once its pieces are known.
func (n *names) learnPlaced(r *record) {
	n.learnHosts(r)
	if r.vm != "" {
		vm, _ := n.known(r.vm, r.key.ofCluster())
		n.learn(r, vm)
	}
}

// machineAt returns which piece of r is its machine: its GUID, what others call it, or the only one that is a machine; -1 if none is.
func (n *names) machineAt(r *record) int {
	resource := r.key.ofCluster()
	name := n.ofID[r.id]
	found := -1
	for i, piece := range r.pieces {
		if id, ok := parseGUID(piece); ok && id == r.id {
			return i
		}
		if name != "" {
			if vm, _ := n.known(piece, resource); strings.EqualFold(vm, name) {
				return i
			}
			continue
		}
		if n.isMachine(piece, resource) {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

// hostAt returns which piece of r is a host, if vm is its machine: the only one that others know as one, or all that is left; else -1.
func (n *names) hostAt(r *record, vm int) int {
	found := -1
	for i, piece := range r.pieces {
		if i != vm && n.isHost(piece) {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	if found < 0 && vm >= 0 && len(r.pieces) == 2 {
		return 1 - vm
	}
	return found
}
