package gatewayapi

// rule is what one rule of a route says of the two Services. A rule that does
// not name the stable one is none of ours, even if it names the canary one:
// its owner may send some requests there by their headers.
type rule struct {
	index int
	refs  []any // its backendRefs, as they are
	pairs []pair
}

// pair is a backendRef to the stable Service and what its sibling has.
type pair struct {
	stable, canary int64
	sibling        bool
	solo           bool   // nothing else in the rule takes traffic
	rest           *int64 // the weight at rest; nil when none is written
}

// weight is what the pair has at rest.
func (p pair) weight() int64 {
	if p.rest == nil {
		return 1
	}
	return *p.rest
}

// off reports whether the owner has switched the pair off: there is nothing to
// split.
func (p pair) off() bool { return p.stable+p.canary == 0 }

// coarse reports whether the pair's weight cannot be split without touching
// the other backends of the rule.
func (p pair) coarse() bool { return !p.solo && !p.off() && p.weight() < divisible }

// split is what the two get when the candidate's share is w percent. Alone in
// a rule they share a hundred; beside others they share what the one had.
func (p pair) split(w int64) (stable, canary int64) {
	if p.solo {
		return split(divisible, w)
	}
	return split(p.weight(), w)
}

// newRule reads a rule, or nothing where it does not name the stable Service.
// Kept are the weights at rest of the pairs that have siblings, in order; what
// is left of it comes back.
func newRule(s services, index int, refs []any, kept []*int64) (r rule, left []*int64) {
	r = rule{index: index, refs: refs, pairs: pairsOf(s, refs)}
	if len(r.pairs) == 0 {
		return r, kept
	}
	var all int64
	for _, ref := range refs {
		all += weightOf(ref)
	}
	for i := range r.pairs {
		p := &r.pairs[i]
		p.solo = all == p.stable+p.canary
		if p.sibling {
			kept = p.remember(kept)
		}
	}
	return r, kept
}

// pairsOf are the backendRefs to the stable Service, each with the siblings
// that follow it; one that follows none still takes traffic, and counts with
// the first.
func pairsOf(s services, refs []any) []pair {
	var pairs []pair
	var stray pair
	for _, ref := range refs {
		p := &stray
		if len(pairs) > 0 {
			p = &pairs[len(pairs)-1]
		}
		switch s.role(ref) {
		case stable:
			pairs = append(pairs, pair{stable: weightOf(ref), rest: explicit(ref)})
		case canary:
			p.sibling, p.canary = true, p.canary+weightOf(ref)
		case foreign:
		}
	}
	if len(pairs) > 0 && stray.sibling {
		pairs[0].sibling, pairs[0].canary = true, pairs[0].canary+stray.canary
	}
	return pairs
}

// remember takes the weight at rest from what was kept. Where nothing was, or
// where someone has changed the weights since, it is what the two share now,
// which keeps every proportion.
func (p *pair) remember(kept []*int64) (left []*int64) {
	sum := p.stable + p.canary
	p.rest = &sum
	if len(kept) == 0 {
		return kept
	}
	if was := (pair{rest: kept[0]}).weight(); was == sum || p.solo && sum > 0 {
		p.rest = kept[0]
	}
	return kept[1:]
}

// written are the backendRefs in which the candidate's share is w percent:
// each to the stable Service is followed by its sibling.
func (r rule) written(s services, w int64) []any {
	return r.rewritten(s, func(p pair, ref any) []any {
		if p.off() {
			return []any{ref}
		}
		own, others := p.split(w)
		return []any{weighted(ref, &own), s.sibling(ref, others)}
	})
}

// rested are the backendRefs as their owner wrote them.
func (r rule) rested(s services) []any {
	return r.rewritten(s, func(p pair, ref any) []any {
		if !p.sibling {
			return []any{ref}
		}
		return []any{weighted(ref, p.rest)}
	})
}

// rewritten are the backendRefs with those to the two Services replaced.
func (r rule) rewritten(s services, to func(p pair, ref any) []any) []any {
	out := make([]any, 0, len(r.refs)+len(r.pairs))
	next := 0
	for _, ref := range r.refs {
		switch s.role(ref) {
		case foreign:
			out = append(out, ref)
		case stable:
			out = append(out, to(r.pairs[next], ref)...)
			next++
		case canary:
		}
	}
	return out
}
