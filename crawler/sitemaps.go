package crawler

// SitemapLevels is how deeply indexes of sitemaps are followed: a sitemap that
// somebody named, what it lists, and what that lists. The protocol of
// sitemaps.org has two levels; some sites need one more.
const SitemapLevels = 3
