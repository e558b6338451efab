package events

import "strings"

// names knows which virtual machine has which name: what one event tells serves the others.
type names struct {
	ofID    map[string]string // the first name of a GUID
	firstID map[string]string // of a name in lower case
	lastID  map[string]string // the same, as far as the records were resolved
}

// newNames learns from records: from those of the cluster, which name resources, only what no other tells.
func newNames(records []*record) *names {
	n := &names{ofID: map[string]string{}, firstID: map[string]string{}, lastID: map[string]string{}}
	for _, cluster := range [...]bool{false, true} {
		for _, r := range records {
			if r.id != "" && r.vm != "" && r.key.ofCluster() == cluster {
				n.learn(r)
			}
		}
	}
	for _, r := range records {
		if name := strings.ToLower(r.guess); r.id != "" && name != "" && n.firstID[name] == "" {
			n.firstID[name] = r.id
		}
	}
	return n
}

// learn takes what r tells.
func (n *names) learn(r *record) {
	name := r.vm
	if r.key.ofCluster() {
		name = machineOf(name)
	}
	if n.ofID[r.id] == "" {
		n.ofID[r.id] = name
	}
	if name = strings.ToLower(name); n.firstID[name] == "" {
		n.firstID[name] = r.id
	}
}

// resolve gives r the GUID of its machine, if another event tells that, and the machine's own name in place of a resource's. The records
// come in the order of time: of several machines of one name, the last is meant.
func (n *names) resolve(r *record) {
	if r.id != "" {
		if r.vm != "" {
			n.lastID[strings.ToLower(r.vm)] = r.id
		}
		return
	}
	if r.vm == "" {
		r.vm, _, _ = n.known(r.guess, r.key.ofCluster())
	}
	if r.vm == "" {
		return
	}
	name, id, ok := n.known(r.vm, r.key.ofCluster())
	switch {
	case ok:
		r.vm, r.id = name, id
	case r.key.ofCluster():
		r.vm = machineOf(r.vm)
	}
}

// maxBlanks is how many words may stand before the name of a machine in that of its resource.
const maxBlanks = 8

// known looks name up. Of a resource of the cluster, it may be what stands behind one of the blanks: before that, Windows writes what
// kind of resource it is, in its own language.
func (n *names) known(name string, resource bool) (vm, id string, ok bool) {
	lower := strings.ToLower(name)
	if len(lower) != len(name) {
		name = lower // some letters have a case that is longer
	}
	at := 0
	for range maxBlanks + 1 {
		if id := n.firstID[lower[at:]]; id != "" {
			if last := n.lastID[lower[at:]]; last != "" {
				id = last
			}
			return name[at:], id, true
		}
		i := strings.IndexByte(lower[at:], ' ')
		if i < 0 || !resource {
			break
		}
		at += i + 1
	}
	return "", "", false
}

// machineOf returns the name of the machine of a resource, as English clusters write it.
func machineOf(resource string) string {
	for _, prefix := range [...]string{"Virtual Machine Configuration ", "Virtual Machine "} {
		if name, ok := strings.CutPrefix(resource, prefix); ok {
			return name
		}
	}
	return resource
}
