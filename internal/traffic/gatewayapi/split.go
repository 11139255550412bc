package gatewayapi

// divisible is the least weight that can be split into whole percents.
const divisible = 100

// split is a weight, split by the candidate's share w in percent.
func split(weight, w int64) (stable, canary int64) {
	canary = (weight*w + 50) / 100
	return weight - canary, canary
}

// share is the candidate's share in percent, rounded. A candidate that takes
// any traffic has at least 1, and at most 99 while the stable side takes any.
// It is exact for what split has made of a weight of 100 or more.
func share(stable, canary int64) int32 {
	sum := stable + canary
	percent := (100*canary + sum/2) / sum
	if canary > 0 {
		percent = max(percent, 1)
	}
	if stable > 0 {
		percent = min(percent, 99)
	}
	return int32(percent)
}
