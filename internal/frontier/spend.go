package frontier

import (
	"context"
	"fmt"
)

// Spend implements [visit.Frontier].
func (f *Frontier) Spend(ctx context.Context, amount, most int64) (bool, error) {
	got, err := runKeys(ctx, f.rdb, spendScript(), "spend", []string{jobBase(f.job.Name) + nameSpent}, amount,
		most).Int64()
	if err != nil {
		return false, fmt.Errorf("spending of job %s: %w", f.job.Name, err)
	}
	return got == 1, nil
}
