<footer class="site-foot">
    <div class="wrap">
        <a class="brand" href="/"><img src="{{ built('images/mark.svg') }}" width="36" height="36" alt="" loading="lazy"> Pixel Positions</a>
        <nav aria-label="Footer">
            <a href="/search">All jobs</a>
            <a href="/search?workplace=remote">Remote jobs</a>
            <a href="/employers">Employers</a>
            <a href="/downloads">Salary guide</a>
        </nav>
        <p>A demo board: invented companies, real pixels.</p>
    </div>
</footer>
