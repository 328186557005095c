def test_smoke(finished_world):
    assert finished_world.lake.exists()
